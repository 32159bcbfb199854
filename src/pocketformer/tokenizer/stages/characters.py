"""Bytes to symbols: UTF-8, cleaning, lowercasing, accents and CJK spacing, all by table."""

from __future__ import annotations

import torch
from torch import Tensor

from pocketformer.tokenizer.alphabet import EMPTY
from pocketformer.tokenizer.pages import (
    EMPTY_CLASS,
    FIRST_LEAD,
    INVALID_CLASS,
    NO_CHARACTER,
    PAGES_START,
    ROW,
)
from pocketformer.tokenizer.stages.arrays import LookUp, constant, later, select

__all__ = ["character_classes", "symbols_of_classes", "without_consumed"]

_FIRST_CONTINUATION, _FIRST_TWO, _FIRST_THREE, _FIRST_FOUR = 128, 192, 224, 240
_NO_CONTINUATION = 64


def character_classes(data: Tensor, look_up: LookUp) -> Tensor:
    """The class of the character that starts at each byte.

    Args:
        data: Bytes 0..255, int32 `[max_bytes]`.
        look_up: Reads the tokenizer's tables.

    Returns:
        Classes, int32 `[max_bytes]`; `INVALID_CLASS` where no valid character starts.
    """
    size = data.shape[0]
    upper = select(data < _FIRST_CONTINUATION, _FIRST_TWO, data)
    column = select(upper < _FIRST_TWO, upper - _FIRST_CONTINUATION, _NO_CONTINUATION)
    second, third, fourth = _following(column, size)
    led = (data - _FIRST_TWO) * ROW + (second + FIRST_LEAD)
    index = select(data < _FIRST_CONTINUATION, data, select(data < _FIRST_TWO, NO_CHARACTER, led))
    found = look_up("pages", index)
    for column_of_next in (third, fourth):
        goes_on = found < INVALID_CLASS
        index = select(goes_on, column_of_next + PAGES_START - found * ROW, 0)
        found = select(goes_on, look_up("pages", index), found)
    return found


def symbols_of_classes(classes: Tensor, places: int, look_up: LookUp) -> Tensor:
    """What each character turns into, in the slots of its own bytes.

    A character never turns into more symbols than it has bytes, so none is overwritten.

    Args:
        classes: int32 `[max_bytes]`.
        places: The most symbols that one character turns into.
        look_up: Reads the tokenizer's tables.

    Returns:
        Symbols, int32 `[max_bytes]`; `EMPTY` in all other slots.
    """
    symbols = look_up("symbols_0", classes)
    for place in range(1, places):
        symbols = symbols + later(look_up(f"symbols_{place}", classes), place, EMPTY)
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
