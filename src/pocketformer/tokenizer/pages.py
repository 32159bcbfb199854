"""UTF-8 bytes to characters by table: a byte leads to an answer, or to the page for the byte after it.

The table is flat. Its first 256 entries are for the first byte of a character; behind them lie the pages, of
one entry for each of the 64 continuation bytes, over each other where they agree. An entry is a class, 0 or
more, or minus the place of a page.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from pocketformer.tokenizer.overlap import Row, overlap_rows

__all__ = ["EMPTY_CLASS", "INVALID_CLASS", "NO_CHARACTER", "build_pages"]

#: The class of a byte that is no part of a valid character.
INVALID_CLASS = 0
#: The class of a character that leaves nothing, where an invalid byte does leave something.
EMPTY_CLASS = 1
#: The place of an entry that always is `INVALID_CLASS`: that of a continuation byte that nothing led to.
NO_CHARACTER = 128

_FIRST_BYTES = 256
_PAGE = 64
_POINTS_END = 0x110000
_INVALID_PAGE = (INVALID_CLASS,) * _PAGE


def build_pages(classes: NDArray[np.int32]) -> NDArray[np.int32]:
    """Lay out the table.

    Args:
        classes: Class of each code point, int32 `[1114112]`; `INVALID_CLASS` for surrogates.

    Returns:
        The flat table, int32 `[entries]`.
    """
    layout = _Layout()
    leaves = [_leaf(classes, start) for start in range(0, _POINTS_END, _PAGE)]
    of_two_bytes = layout.add(leaves[_in_pages(0x80) : _in_pages(0x800)])
    # Shorter forms than needed are invalid: a page of the third byte starts with none for the points before.
    of_three_bytes = layout.add(
        [_INVALID_PAGE] * _in_pages(0x800) + leaves[_in_pages(0x800) : _in_pages(0x10000)]
    )
    of_four_bytes = layout.add([_INVALID_PAGE] * _in_pages(0x10000) + leaves[_in_pages(0x10000) :])
    leads = [
        *[INVALID_CLASS] * 2,  # 192 and 193 would start longer forms of ASCII
        *of_two_bytes,
        *layout.add(_grouped(of_three_bytes)),
        *layout.add(_grouped(layout.add(_grouped(of_four_bytes)))),
    ]
    ascii_and_continuing = [*classes[:NO_CHARACTER].tolist(), *[INVALID_CLASS] * _PAGE]
    behind = [INVALID_CLASS] * (_FIRST_BYTES - len(ascii_and_continuing) - len(leads))
    return np.array([*ascii_and_continuing, *leads, *behind, *layout.pages], dtype=np.int32)


class _Layout:
    """The pages so far, and the entries that refer to them."""

    def __init__(self) -> None:
        self.pages: list[int] = []
        self._references: dict[Row, int] = {_INVALID_PAGE: INVALID_CLASS}  # no need to look at the next byte

    def add(self, pages: Iterable[Row]) -> list[int]:
        """Lay out those pages that are not there yet, and return the entry that leads to each."""
        pages = list(pages)
        array, starts = overlap_rows([page for page in dict.fromkeys(pages) if page not in self._references])
        first = _FIRST_BYTES + len(self.pages)
        self._references |= {page: -(first + start) for page, start in starts.items()}
        self.pages += array
        return [self._references[page] for page in pages]


def _leaf(classes: NDArray[np.int32], start: int) -> Row:
    return tuple(classes[start : start + _PAGE].tolist())


def _in_pages(point: int) -> int:
    return point // _PAGE


def _grouped(entries: list[int]) -> list[Row]:
    """Cut entries into pages; the last one is filled up with invalid ones."""
    filled = entries + [INVALID_CLASS] * (-len(entries) % _PAGE)
    return [tuple(filled[start : start + _PAGE]) for start in range(0, len(filled), _PAGE)]
