"""A few values that many numbers share: k-means in one dimension (Lloyd, 1982)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["palettes"]

_ROUNDS = 40  # of the search, which has long settled by then


def palettes(
    array: NDArray[np.float32], groups: int, size: int
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Share a few values among the numbers of each group of rows: k-means in one dimension (Lloyd, 1982).

    Args:
        array: [rows, ...]; `groups` divides the rows.
        groups: Of consecutive rows, each with a palette of its own.
        size: Values in a palette.

    Returns:
        Places in the palette, uint8 of the array's shape, and the palettes [groups, size]: float16 numbers,
        ascending.
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
    distinct = ordered[np.flatnonzero(np.diff(ordered, prepend=-np.inf))]
    if len(distinct) <= size:  # clustered already: the values themselves
        return np.pad(_stored(distinct), (0, size - len(distinct)), mode="edge")
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
    return _stored(np.sort(values))


def _stored(values: NDArray[np.floating]) -> NDArray[np.float32]:
    return values.astype(np.float16).astype(np.float32)
