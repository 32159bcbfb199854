"""Bytes to symbols: UTF-8, cleaning, lowercasing, accents and CJK spacing, all by table."""

from __future__ import annotations

import torch
from torch import Tensor

from pocketformer.tokenizer.alphabet import EMPTY, LOWEST_SYMBOL
from pocketformer.tokenizer.pages import EMPTY_CLASS, INVALID_CLASS, NO_CHARACTER
from pocketformer.tokenizer.stages.arrays import LookUp, constant, later, select

__all__ = ["character_classes", "symbols_of_classes", "without_consumed"]

_FIRST_CONTINUATION, _FIRST_TWO, _FIRST_THREE, _FIRST_FOUR = 128, 192, 224, 240
_NO_CONTINUATION = -(2**30)  # a column before every page


def character_classes(data: Tensor, look_up: LookUp) -> Tensor:
    """The class of the character that starts at each byte.

    Args:
        data: Bytes 0..255, int32 `[max_bytes]`.
        look_up: Reads the tokenizer's tables.

    Returns:
        Classes, int32 `[max_bytes]`; `INVALID_CLASS` where no valid character starts.
    """
    continuing = select(data < _FIRST_TWO, data - _FIRST_CONTINUATION, _NO_CONTINUATION)
    column = select(data < _FIRST_CONTINUATION, _NO_CONTINUATION, continuing)
    found = look_up("pages", data)
    for column_of_next in _following(column, data.shape[0]):
        place = column_of_next - found
        following = look_up("pages", select(place < 0, NO_CHARACTER, place))
        found = select(found < INVALID_CLASS, following, found)
    return found


def symbols_of_classes(classes: Tensor, places: int, first_single: int, look_up: LookUp) -> Tensor:
    """What each character turns into, in the slots of its own bytes.

    A character never turns into more symbols than it has bytes, so none is overwritten.

    Args:
        classes: int32 `[max_bytes]`.
        places: The most symbols that one character turns into.
        first_single: The first of the classes that are one symbol each, in the order of the symbols.
        look_up: Reads the tokenizer's tables.

    Returns:
        Symbols, int32 `[max_bytes]`; `EMPTY` in all other slots.
    """
    listed = classes < first_single
    row = select(listed, classes, first_single)
    symbols = select(listed, look_up("symbols_0", row), classes - (first_single - LOWEST_SYMBOL))
    for place in range(1, places):
        symbols = symbols + later(look_up(f"symbols_{place}", row), place, EMPTY)
    return symbols


def without_consumed(data: Tensor, classes: Tensor) -> Tensor:
    """Empty the classes of padding, and of bytes inside valid characters.

    Only needed where a stray byte counts as a letter: such a byte is known by not being inside a character.

    Args:
        data: Bytes, int32 `[max_bytes]`.
        classes: Class of the character that starts at each byte, int32 `[max_bytes]`.
    """
    led = select(data < _FIRST_THREE, 2, select(data < _FIRST_FOUR, 3, 4))
    width = select(data < _FIRST_TWO, 1, select(classes == INVALID_CLASS, 1, led))
    for distance in (1, 2, 3):
        classes = select(later(width, distance, 1) > distance, EMPTY_CLASS, classes)
    return select(data == 0, EMPTY_CLASS, classes)


def _following(column: Tensor, size: int) -> list[Tensor]:
    padded = torch.cat([column, constant(_NO_CONTINUATION, 3)])
    return [padded[distance : distance + size] for distance in (1, 2, 3)]
