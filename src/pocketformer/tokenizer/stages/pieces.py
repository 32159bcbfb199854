"""Words to pieces: the longest piece at every position at once, and the words that are `[UNK]`."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from pocketformer.tokenizer.stages.arrays import Gather, LookUp, ahead, later, running_count, select
from pocketformer.tokenizer.stages.words import Words

__all__ = ["NO_NODE", "Pieces", "find_pieces", "longest_matches"]

#: The node that stands for nothing, and for `[UNK]`.
NO_NODE = 0
# What a transition's check comes to: two strings make a block, or a block that begins some piece.
_JOINS, _JOINS_TO_PREFIX = 0, 1


class Pieces(NamedTuple):
    """The piece that would start at each position.

    Attributes:
        nodes: Its node in the vocabulary; int32 `[positions]`.
        ends: Where the piece after it starts; int32 `[positions]`.
    """

    nodes: Tensor
    ends: Tensor


def longest_matches(
    codes: Tensor, positions: Tensor, block: int, repeats: int, look_up: LookUp, gather: Gather
) -> Tensor:
    """Follow the trie from every position as far as it goes.

    Args:
        codes: int32 `[positions]`.
        positions: 0, 1, …; int32 `[positions]`.
        block: Size of the largest block.
        repeats: How many of the largest blocks can follow the first.
        look_up: Reads the tokenizer's tables.
        gather: Reads values at an index.

    Returns:
        The deepest node reached, int32 `[positions]`.
    """
    blocks = {1: codes}
    node, reached = codes, ahead(positions, 1, positions.shape[0] - 1)
    sizes = [1 << bit for bit in range(1, block.bit_length())]
    for size in sizes:
        left = blocks[size // 2]
        slot, link = _transition(left, ahead(left, size // 2, NO_NODE), look_up)
        is_prefix = link == _JOINS_TO_PREFIX
        blocks[size] = select(is_prefix, slot, select(link == _JOINS, slot, NO_NODE))
        node = select(is_prefix, slot, node)
        reached = select(is_prefix, positions + size, reached)
    for size in [block] * repeats + [size // 2 for size in reversed(sizes)]:
        slot, link = _transition(node, gather(blocks[size], reached), look_up)
        fits = link == _JOINS_TO_PREFIX
        node = select(fits, slot, node)
        reached = select(fits, reached + size, reached)
    return node


def _transition(node: Tensor, block: Tensor, look_up: LookUp) -> tuple[Tensor, Tensor]:
    """Where a block leads from a node, and whether it really does: `_JOINS`, `_JOINS_TO_PREFIX`, or not."""
    slot = look_up("base", node) + block
    return slot, look_up("check", slot) - node * 2


def find_pieces(
    words: Words,
    nodes: Tensor,
    positions: Tensor,
    max_chars_per_word: int,
    closed: bool,
    look_up: LookUp,
    gather: Gather,
) -> Pieces:
    """Cut words into pieces, and turn those that cannot be cut, or are too long, into `[UNK]`.

    Args:
        words: The words of a text.
        nodes: The deepest node from each position, int32 `[positions]`.
        positions: 0, 1, …; int32 `[positions]`.
        max_chars_per_word: A longer word is `[UNK]`.
        closed: Whether only a character of no piece can make a word uncuttable.
        look_up: Reads the tokenizer's tables.
        gather: Reads values at an index.
    """
    lengths = look_up("best_length", nodes)
    ends = positions + lengths
    if closed:
        failures = later(running_count(lengths == 0), 1, 0)
        trouble = gather(failures, words.ends) - failures
    else:
        steps = min(max_chars_per_word, positions.shape[0])
        trouble = words.ends - _where_cutting_ends(ends, steps, gather)
    trouble = select(words.ends - positions > max_chars_per_word, 1, trouble)
    unknown = select(words.starts, trouble, 0) > 0
    return Pieces(select(unknown, NO_NODE, nodes), select(unknown, words.ends, ends))


def _where_cutting_ends(ends: Tensor, steps: int, gather: Gather) -> Tensor:
    """Where one arrives by `steps` pieces or more: still inside the word if no piece fits somewhere in it.

    Args:
        ends: Where the piece at each position ends, the position itself where none fits; int32 `[positions]`.
        steps: The most pieces that a word can have.
        gather: Reads values at an index.
    """
    for _ in range(steps.bit_length()):
        ends = gather(ends, ends)
    return ends
