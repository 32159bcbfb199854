"""Reductions over axes, and running sums."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from pocketformer.targets.coreml.evaluator.operations.tensors import array_of, tensor
from pocketformer.targets.coreml.evaluator.registry import Array, Ints, operation


def _reduction(name: str, reduce: Callable[[Array, Ints | None, bool], Any], exact: bool = False) -> None:
    @operation(name, exact=exact)
    def run(x: Array, axes: Ints | None = None, keep_dims: bool = False) -> Array:
        return np.asarray(reduce(x, axes or None, keep_dims))


_reduction("reduce_sum", lambda x, axes, keep: x.sum(axes, dtype=x.dtype, keepdims=keep))
_reduction("reduce_mean", lambda x, axes, keep: x.mean(axes, keepdims=keep))
_reduction("reduce_prod", lambda x, axes, keep: x.prod(axes, dtype=x.dtype, keepdims=keep))
_reduction("reduce_max", lambda x, axes, keep: x.max(axes, keepdims=keep), exact=True)
_reduction("reduce_min", lambda x, axes, keep: x.min(axes, keepdims=keep), exact=True)
_reduction("reduce_l1_norm", lambda x, axes, keep: np.abs(x).sum(axes, dtype=x.dtype, keepdims=keep))
_reduction("reduce_l2_norm", lambda x, axes, keep: np.sqrt(np.square(x).sum(axes, keepdims=keep)))
_reduction("reduce_sum_square", lambda x, axes, keep: np.square(x).sum(axes, dtype=x.dtype, keepdims=keep))
_reduction("reduce_log_sum", lambda x, axes, keep: np.log(x.sum(axes, keepdims=keep)))


@operation("reduce_log_sum_exp")
def reduce_log_sum_exp(x: Array, axes: Ints | None = None, keep_dims: bool = False) -> Array:
    """Return log(sum(exp(x))) over `axes`, without overflow."""
    return array_of(torch.logsumexp(tensor(x), axes or tuple(range(x.ndim)), keep_dims))


@operation("reduce_argmax", exact=True)
def reduce_argmax(x: Array, axis: int = -1, keep_dims: bool = False, output_dtype: str = "int32") -> Array:
    """Return the first place of the largest along `axis`."""
    return np.asarray(np.argmax(x, axis, keepdims=keep_dims))


@operation("reduce_argmin", exact=True)
def reduce_argmin(x: Array, axis: int = -1, keep_dims: bool = False, output_dtype: str = "int32") -> Array:
    """Return the first place of the smallest along `axis`."""
    return np.asarray(np.argmin(x, axis, keepdims=keep_dims))


@operation("cumsum")
def cumsum(x: Array, axis: int = 0, exclusive: bool = False, reverse: bool = False) -> Array:
    """Return the running sums along `axis`, with or without each number itself, from either end."""
    given = np.flip(x, axis) if reverse else x
    sums = np.cumsum(given, axis, dtype=x.dtype)
    if exclusive:
        sums = np.roll(sums, 1, axis)
        sums[(slice(None),) * (axis % x.ndim) + (0,)] = 0
    return np.flip(sums, axis).copy() if reverse else sums
