"""Float matrices as small integers and scales, or as palettes of a few values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pocketformer.targets.int4_blocks import clipped_scales, int4_values

_INT8_MAX = 127
_SMALLEST = 1e-12  # of a scale: a row of zeros has one too
_ROUNDS = 40  # of the palette's search, which has long settled by then


def rows_int8(array: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Quantise symmetrically, with a scale for each index of the first axis.

    Args:
        array: [rows, ...].

    Returns:
        int8 of the same shape, and scales [rows].
    """
    matrix = array.reshape(len(array), -1)
    scale = _stored_scale(np.maximum(np.abs(matrix).max(axis=1), _SMALLEST) / _INT8_MAX)
    values: NDArray[np.int8] = np.clip(np.rint(matrix / scale[:, None]), -_INT8_MAX, _INT8_MAX).astype(
        np.int8
    )
    return values.reshape(array.shape), scale


def blocks_int4(matrix: NDArray[np.float32], size: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Quantise symmetrically in blocks of `size` along each row, clipped where the squared error is least.

    Args:
        matrix: [rows, columns]; `size` divides the columns.
        size: Columns in a block.

    Returns:
        Values -8 to 7 as int8 [rows, columns], and scales [rows, columns / size].
    """
    blocks = matrix.reshape(len(matrix), -1, size)
    scale = _stored_scale(clipped_scales(blocks))
    values = int4_values(blocks, scale).astype(np.int8)
    return values.reshape(matrix.shape), scale[..., 0]


def palettes(
    array: NDArray[np.float32], groups: int, size: int
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Share a few values among the numbers of each group of rows: k-means in one dimension (Lloyd, 1982).

    Args:
        array: [rows, ...]; `groups` divides the rows.
        groups: Of consecutive rows, each with a palette of its own.
        size: Values in a palette.

    Returns:
        Places in the palette, uint8 of the array's shape, and the palettes [groups, size], ascending.
    """
    places = np.empty((groups, array.size // groups), np.uint8)
    found = np.empty((groups, size), np.float32)
    for group, numbers in enumerate(array.reshape(groups, -1)):
        found[group] = _palette(numbers, size)
        between = (found[group, 1:] + found[group, :-1]) / 2
        places[group] = np.searchsorted(between, numbers)
    return places.reshape(array.shape), found


def _palette(numbers: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    ordered = np.sort(numbers.astype(np.float32))
    changes = np.flatnonzero(np.diff(ordered))
    if len(changes) < size:  # clustered already: the values themselves
        distinct = ordered[np.concatenate([[0], changes + 1])]
        return np.pad(distinct, (0, size - len(distinct)), mode="edge")
    sums = np.concatenate([[0.0], np.cumsum(ordered, dtype=np.float64)])
    values: NDArray[np.floating] = np.quantile(ordered, (np.arange(size) + 0.5) / size)
    # Half way to even spacing: quantiles alone leave the tails, which matter, to the last value.
    values = (values + np.linspace(ordered[0], ordered[-1], size)) / 2
    for _ in range(_ROUNDS):
        edges = np.searchsorted(ordered, (values[1:] + values[:-1]) / 2)
        bounds = np.concatenate([[0], edges, [len(ordered)]])
        counts = np.diff(bounds)
        means = np.diff(sums[bounds]) / np.maximum(counts, 1)
        moved = np.where(counts > 0, means, values)
        if np.array_equal(moved, values):
            break
        values = moved
    return np.sort(values).astype(np.float16).astype(np.float32)


def _stored_scale(values: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the float16 numbers that a file will hold, none of them 0: rounding is to what is read back."""
    stored = values.astype(np.float16)
    smallest = np.copysign(np.finfo(np.float16).smallest_subnormal, values).astype(np.float16)
    return np.where(stored == 0, smallest, stored).astype(np.float32)
