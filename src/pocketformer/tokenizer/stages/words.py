"""Symbols to words: empty slots and spaces close up, and every word's start and end is known."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from pocketformer.tokenizer.alphabet import EMPTY
from pocketformer.tokenizer.stages.arrays import Gather, ahead, constant, later, running_count, select

__all__ = ["Words", "find_words"]


class Words(NamedTuple):
    """The symbols of a text one after the other, `positions = max_bytes + 1` of them with the empty tail.

    Attributes:
        codes: Symbols, those of letters inside a word raised by the count of letters; int32 `[positions]`.
        starts: Whether a word starts here; bool `[positions]`.
        ends: Where the next word starts; int32 `[positions]`.
        length: How many symbols there are; int32 `[1]`.
    """

    codes: Tensor
    starts: Tensor
    ends: Tensor
    length: Tensor


def find_words(
    symbols: Tensor, positions: Tensor, last_isolated: int, letter_count: int, gather: Gather
) -> Words:
    """Close up the symbols and cut them into words.

    Args:
        symbols: int32 `[max_bytes]`, with empty slots and spaces.
        positions: 0, 1, … max_bytes; int32 `[positions]`.
        last_isolated: The highest symbol that is a word of its own.
        letter_count: How much higher the code of a letter inside a word is than its symbol.
        gather: Reads values at an index.
    """
    kept = running_count(symbols > EMPTY)
    slots = _kept_slots(kept, positions, gather)
    closed = gather(torch.cat([symbols, constant(EMPTY)]), slots)
    spaces = gather(torch.cat([running_count(symbols < EMPTY), constant(0)]), slots)
    letters = (closed > last_isolated).to(torch.int32)
    goes_on = select(spaces == later(spaces, 1, 0), letters * later(letters, 1, 0), 0)
    starts = goes_on == 0
    return Words(closed + goes_on * letter_count, starts, _next_start(starts, positions), kept[-1:])


def _kept_slots(kept: Tensor, positions: Tensor, gather: Gather) -> Tensor:
    """The slot of the k-th symbol that is kept, and behind the last one the slot behind all.

    A binary search in the running count, for all k at once: closing up by gathers, not by a scatter.

    Args:
        kept: Running count of kept symbols, int32 `[max_bytes]`.
        positions: int32 `[positions]`.
        gather: Reads values at an index.
    """
    size = kept.shape[0]
    step = 1 << (size.bit_length() - 1)
    never = constant(size + 1, 2 * step - 1 - size)
    before = torch.cat([constant(0), kept, never])
    slots = select(before[step : step + 1] <= positions, step, 0)
    while step > 1:
        step = step // 2
        further = slots + step
        slots = select(gather(before, further) <= positions, further, slots)
    return slots


def _next_start(starts: Tensor, positions: Tensor) -> Tensor:
    """The first word start behind each position, int32 `[positions]`: a running minimum from the right."""
    last = starts.shape[0] - 1
    ends = ahead(select(starts, positions, last), 1, last)
    distance = 1
    while distance < last:
        other = ahead(ends, distance, last)
        ends = select(other < ends, other, ends)
        distance = distance * 2
    return ends
