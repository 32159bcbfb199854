"""Packing the sparse rows of a trie into one array.

After J. Aoe, "An efficient digital search algorithm by using a double-array structure" (1989).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["FreeSlots"]

_WINDOW = 256
_LARGEST_WINDOW = 8192
_STALE = 64  # families placed before the list of free slots is made anew


class FreeSlots:
    """The free slots of an array, taken lowest first.

    Args:
        reserved: Slots at the beginning that are never free.
        wanted: How many slots will be taken.
    """

    def __init__(self, reserved: int, wanted: int) -> None:
        self._used = np.zeros(2 * (reserved + wanted), dtype=bool)
        self._used[:reserved] = True
        self._free = np.flatnonzero(~self._used)
        self._age = 0

    def take_family(self, offsets: Sequence[int]) -> int:
        """Take the slots `base + offset` for the lowest base, 0 or more, where all are free.

        Args:
            offsets: In rising order.

        Returns:
            The base.
        """
        if self._age % _STALE == 0:
            self._free = np.flatnonzero(~self._used)
        self._age += 1
        row = np.asarray(offsets)
        base = self._first_fit(row)
        self._used[base + row] = True
        return base

    def take_each(self, minima: Sequence[int]) -> list[int]:
        """Take one slot for each minimum, not below it.

        Args:
            minima: In rising order.
        """
        if not minima:
            return []
        while len(self._used) <= minima[-1] + len(minima) + np.count_nonzero(self._used):
            self._grow()
        self._free = np.flatnonzero(~self._used)
        order = np.arange(len(minima))
        earliest = np.searchsorted(self._free, np.asarray(minima))
        chosen: NDArray[np.int64] = np.maximum.accumulate(earliest - order) + order
        slots = self._free[chosen]
        self._used[slots] = True
        return [int(slot) for slot in slots]

    def _first_fit(self, row: NDArray[np.int64]) -> int:
        start, window = int(np.searchsorted(self._free, row[0])), _WINDOW
        while True:
            bases = self._free[start : start + window] - row[0]
            bases = bases[bases + row[-1] < len(self._used)]
            fits = ~self._used[bases[:, None] + row[None, :]].any(axis=1)
            if fits.any():
                return int(bases[np.argmax(fits)])
            if len(bases):
                start, window = start + window, min(2 * window, _LARGEST_WINDOW)
            else:
                self._grow()

    def _grow(self) -> None:
        self._used = np.concatenate([self._used, np.zeros_like(self._used)])
        self._free = np.flatnonzero(~self._used)
