"""Values made from sizes and indices rather than from numbers."""

from __future__ import annotations

import numpy as np

from pocketformer.targets.coreml.evaluator.registry import Array, Ints, operation


@operation("shape", exact=True)
def shape(x: Array) -> Array:
    """Return the sizes of x, `[rank]`."""
    return np.array(x.shape, np.int32)


@operation("fill", exact=True)
def fill(shape: Ints, value: Array) -> Array:
    """Return an array of one value."""
    return np.full(shape, value)


@operation("fill_like", exact=True)
def fill_like(ref_tensor: Array, value: Array) -> Array:
    """Return an array of one value in the shape of another."""
    return np.full(ref_tensor.shape, value)


@operation("range_1d")
def range_1d(end: Array, start: Array, step: Array) -> Array:
    """Return start, start + step, ... up to but without `end`."""
    return np.asarray(np.arange(start.item(), end.item(), step.item()))


@operation("tile", exact=True)
def tile(x: Array, reps: Ints) -> Array:
    """Return x repeated along each axis."""
    return np.tile(x, reps)


@operation("one_hot", exact=True)
def one_hot(
    indices: Array,
    one_hot_vector_size: int,
    axis: int = -1,
    on_value: Array | None = None,
    off_value: Array | None = None,
) -> Array:
    """Return an array with a new axis that holds `on_value` at the index, and `off_value` elsewhere."""
    hot = np.asarray(indices)[..., None] == np.arange(one_hot_vector_size)
    on, off = (
        (np.int32(1) if on_value is None else on_value),
        (np.int32(0) if off_value is None else off_value),
    )
    return np.moveaxis(np.where(hot, on, off), -1, axis)


@operation("band_part", exact=True)
def band_part(x: Array, lower: int = -1, upper: int = -1) -> Array:
    """Return x `[..., m, n]` with zeros outside a band around the diagonal; a negative width is all of it."""
    row, column = np.indices(x.shape[-2:])
    kept = ((lower < 0) | (row - column <= lower)) & ((upper < 0) | (column - row <= upper))
    return np.where(kept, x, np.zeros((), x.dtype))


@operation("non_zero", exact=True)
def non_zero(x: Array) -> Array:
    """Return the places of what is not zero, `[count, rank]`."""
    return np.argwhere(x).astype(np.int32)
