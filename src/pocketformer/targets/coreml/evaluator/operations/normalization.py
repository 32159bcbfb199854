"""Normalisation over axes, channels and instances."""

from __future__ import annotations

import numpy as np
from torch.nn import functional as F

from pocketformer.targets.coreml.evaluator.operations.tensors import array_of, optional_tensor, tensor
from pocketformer.targets.coreml.evaluator.registry import Array, Ints, operation


@operation("layer_norm")
def layer_norm(
    x: Array,
    axes: Ints | None = None,
    gamma: Array | None = None,
    beta: Array | None = None,
    epsilon: float = 1e-5,
) -> Array:
    """Return x with mean 0 and variance 1 over `axes`, times gamma, plus beta."""
    chosen = tuple(sorted(axis % x.ndim for axis in (range(x.ndim) if axes is None else axes)))
    shape = [x.shape[axis] for axis in chosen]
    if chosen == tuple(range(x.ndim - len(chosen), x.ndim)):
        scale, shift = optional_tensor(gamma), optional_tensor(beta)
        return array_of(F.layer_norm(tensor(x), shape, scale, shift, epsilon))
    centred = x - x.mean(chosen, keepdims=True)
    normal = centred / np.sqrt(np.square(centred).mean(chosen, keepdims=True) + np.float32(epsilon))
    placed = [size if axis in chosen else 1 for axis, size in enumerate(x.shape)]
    scaled = normal if gamma is None else normal * gamma.reshape(placed)
    return np.asarray(scaled if beta is None else scaled + beta.reshape(placed))


@operation("batch_norm")
def batch_norm(
    x: Array,
    mean: Array,
    variance: Array,
    gamma: Array | None = None,
    beta: Array | None = None,
    epsilon: float = 1e-5,
) -> Array:
    """Return x `[batch, channels, ...]` normalised by stored means and variances `[channels]`."""
    scale, shift = optional_tensor(gamma), optional_tensor(beta)
    return array_of(F.batch_norm(tensor(x), tensor(mean), tensor(variance), scale, shift, eps=epsilon))


@operation("instance_norm")
def instance_norm(
    x: Array, gamma: Array | None = None, beta: Array | None = None, epsilon: float = 1e-5
) -> Array:
    """Return x `[batch, channels, ...]` normalised over all but its first two axes."""
    return array_of(
        F.instance_norm(tensor(x), weight=optional_tensor(gamma), bias=optional_tensor(beta), eps=epsilon)
    )


@operation("l2_norm")
def l2_norm(x: Array, epsilon: float = 1e-6) -> Array:
    """Return x over the root of the sum of squares of its last three axes."""
    squares = np.square(x).sum((-3, -2, -1), keepdims=True)
    return np.asarray(x / np.sqrt(squares + np.float32(epsilon)))


@operation("local_response_norm")
def local_response_norm(
    x: Array, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Array:
    """Return x over a power of the squares in its channel's neighbourhood."""
    return array_of(F.local_response_norm(tensor(x), size, alpha, beta, k))
