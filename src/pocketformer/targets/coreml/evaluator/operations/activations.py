"""Activation functions."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

from pocketformer.targets.coreml.evaluator.operations.tensors import array_of, tensor
from pocketformer.targets.coreml.evaluator.registry import Array, operation

_SIGMOID_GELU = 1.702  # the factor of gelu's sigmoid approximation


@operation("relu", exact=True)
def relu(x: Array) -> Array:
    """Return x, and no less than 0."""
    return np.asarray(np.maximum(x, 0))


@operation("relu6", exact=True)
def relu6(x: Array) -> Array:
    """Return x held between 0 and 6."""
    return np.asarray(np.minimum(np.maximum(x, 0), 6))


@operation("clamped_relu")
def clamped_relu(x: Array, alpha: float, beta: float) -> Array:
    """Return x where it is positive and alpha x elsewhere, and no more than `beta`."""
    return np.asarray(np.minimum(beta, np.where(x >= 0, x, alpha * x)))


@operation("leaky_relu")
def leaky_relu(x: Array, alpha: float) -> Array:
    """Return x where it is positive, and alpha x elsewhere."""
    return np.where(x >= 0, x, alpha * x)


@operation("thresholded_relu", exact=True)
def thresholded_relu(x: Array, alpha: float) -> Array:
    """Return x where it is at least `alpha`, and 0 elsewhere."""
    return np.where(x >= alpha, x, np.float32(0))


@operation("prelu")
def prelu(x: Array, alpha: Array) -> Array:
    """Return x where it is positive, and alpha x elsewhere; `alpha` is per channel, axis 1."""
    return np.where(x > 0, x, _per_channel(alpha, x) * x)


@operation("elu")
def elu(x: Array, alpha: float) -> Array:
    """Return x where it is positive, and alpha (exp(x) - 1) elsewhere."""
    return array_of(F.elu(tensor(x), alpha))


@operation("gelu")
def gelu(x: Array, mode: str = "EXACT") -> Array:
    """Return the Gaussian error linear unit, exact or by one of its two approximations."""
    given = tensor(x)
    if mode == "SIGMOID_APPROXIMATION":
        return array_of(given * torch.sigmoid(_SIGMOID_GELU * given))
    return array_of(F.gelu(given, approximate={"EXACT": "none", "TANH_APPROXIMATION": "tanh"}[mode]))


@operation("sigmoid")
def sigmoid(x: Array) -> Array:
    """Return 1 / (1 + exp(-x))."""
    return array_of(tensor(x).sigmoid())


@operation("sigmoid_hard")
def sigmoid_hard(x: Array, alpha: float, beta: float) -> Array:
    """Return alpha x + beta, held between 0 and 1."""
    return np.asarray(np.minimum(np.maximum(alpha * x + beta, 0), 1))


@operation("silu")
def silu(x: Array) -> Array:
    """Return x sigmoid(x)."""
    return array_of(F.silu(tensor(x)))


@operation("softplus")
def softplus(x: Array) -> Array:
    """Return log(1 + exp(x))."""
    return np.asarray(np.logaddexp(x, np.float32(0)))


@operation("softplus_parametric")
def softplus_parametric(x: Array, alpha: Array, beta: Array) -> Array:
    """Return alpha log(1 + exp(beta x)); `alpha` and `beta` are per channel, axis 1."""
    return np.asarray(_per_channel(alpha, x) * np.logaddexp(_per_channel(beta, x) * x, np.float32(0)))


@operation("softsign")
def softsign(x: Array) -> Array:
    """Return x / (1 + |x|)."""
    return np.asarray(x / (1 + np.abs(x)))


@operation("scaled_tanh")
def scaled_tanh(x: Array, alpha: float, beta: float) -> Array:
    """Return alpha tanh(beta x)."""
    return np.asarray(alpha * np.tanh(beta * x))


@operation("linear_activation")
def linear_activation(x: Array, alpha: float, beta: float) -> Array:
    """Return alpha x + beta."""
    return alpha * x + beta


@operation("softmax")
def softmax(x: Array, axis: int = -1) -> Array:
    """Return exp(x) over its sum along `axis`."""
    return array_of(torch.softmax(tensor(x), axis))


def _per_channel(parameter: Array, x: Array) -> Array:
    return parameter.reshape(-1, *[1] * (x.ndim - 2))
