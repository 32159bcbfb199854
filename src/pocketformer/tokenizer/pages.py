"""UTF-8 bytes to characters by table: a byte leads to an answer, or to the page for the byte after it.

Layout of the flat table, whose entries are a class (0 or more) or minus the number of a page:

- 128 entries for the ASCII bytes, and one for every byte that cannot start a character;
- for each lead byte 192..255 a row of 65: one entry for each continuation byte, and one for any other byte;
- pages 1, 2, …, again rows of 65, for the third and fourth byte.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["EMPTY_CLASS", "FIRST_LEAD", "INVALID_CLASS", "NO_CHARACTER", "PAGES_START", "ROW", "build_pages"]

#: The class of a byte that is no part of a valid character.
INVALID_CLASS = 0
#: The class of a character that leaves nothing, where an invalid byte does leave something.
EMPTY_CLASS = 1
#: Entries of a row: 64 continuation bytes, then one for all other bytes.
ROW = 65
#: Where the entry for bytes that start no character stands.
NO_CHARACTER = 128
FIRST_LEAD = NO_CHARACTER + 1
#: Where page 0 would start; there is none, so that minus its number is not mistaken for a class.
PAGES_START = FIRST_LEAD + 64 * ROW - ROW

_POINTS_END = 0x110000


def build_pages(classes: NDArray[np.int32]) -> NDArray[np.int32]:
    """Lay out the table.

    Args:
        classes: Class of each code point, int32 `[1114112]`; `INVALID_CLASS` for surrogates.

    Returns:
        The flat table, int32 `[PAGES_START + ROW * (1 + pages)]`.
    """
    layout = _Layout(classes)
    starters = [*classes[:NO_CHARACTER].tolist(), INVALID_CLASS]
    leads = [entry for lead in range(192, 256) for entry in layout.lead_row(lead)]
    return np.array([*starters, *leads, *layout.pages()], dtype=np.int32)


class _Layout:
    def __init__(self, classes: NDArray[np.int32]) -> None:
        self.classes = classes
        self.numbers: dict[tuple[int, ...], int] = {}

    def pages(self) -> list[int]:
        return [entry for row in self.numbers for entry in row]

    def lead_row(self, lead: int) -> tuple[int, ...]:
        """The 65 entries after a lead byte; shorter forms than needed and values too high are invalid."""
        if lead < 224:
            return self._leaf_row((lead - 192) * 64, from_point=0x80)
        if lead < 240:
            return self._inner_row(
                [self._leaf_row(((lead - 224) * 64 + second) * 64, from_point=0x800) for second in range(64)]
            )
        return self._inner_row([self._third_row((lead - 240) * 64 + second) for second in range(64)])

    def _third_row(self, upper: int) -> tuple[int, ...]:
        return self._inner_row(
            [self._leaf_row((upper * 64 + third) * 64, from_point=0x10000) for third in range(64)]
        )

    def _leaf_row(self, start: int, from_point: int) -> tuple[int, ...]:
        if not from_point <= start < _POINTS_END:
            return (INVALID_CLASS,) * ROW
        return (*self.classes[start : start + 64].tolist(), INVALID_CLASS)

    def _inner_row(self, rows: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
        return (*(self._reference(row) for row in rows), INVALID_CLASS)

    def _reference(self, row: tuple[int, ...]) -> int:
        if not any(row):
            return INVALID_CLASS  # nothing valid beyond: no need to look at the next byte
        return -self.numbers.setdefault(row, len(self.numbers) + 1)
