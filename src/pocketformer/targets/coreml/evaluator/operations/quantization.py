"""Quantised activations: to 8-bit integers and back."""

from __future__ import annotations

import numpy as np

from pocketformer.targets.coreml.evaluator.registry import Array, operation


@operation("quantize")
def quantize(
    input: Array,  # noqa: A002  # the program's own name
    scale: Array,
    output_dtype: str,
    zero_point: Array | None = None,
    axis: int | None = None,
) -> Array:
    """Return round(input / scale) + zero point, ties to even, held within the integer's range."""
    limits = np.iinfo(output_dtype)
    steps = np.rint(input / placed(scale, input.ndim, axis))
    if zero_point is not None:
        steps = steps + placed(zero_point, input.ndim, axis)
    return np.asarray(np.minimum(np.maximum(steps, limits.min), limits.max))


@operation("dequantize")
def dequantize(
    input: Array,  # noqa: A002  # the program's own name
    scale: Array,
    zero_point: Array | None = None,
    axis: int | None = None,
) -> Array:
    """Return (input - zero point) scale."""
    steps = input.astype(np.float32)
    if zero_point is not None:
        steps = steps - placed(zero_point, input.ndim, axis)
    return np.asarray(steps * placed(scale, input.ndim, axis))


def placed(parameter: Array, rank: int, axis: int | None) -> Array:
    """Return a scale or zero point as float32, shaped to be broadcast along `axis`."""
    numbers = np.asarray(parameter, np.float32)
    if numbers.ndim == 0 or axis is None:
        return numbers
    shape = [1] * rank
    shape[axis] = -1
    return numbers.reshape(shape)
