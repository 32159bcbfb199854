"""The vocabulary as a double array that is walked in blocks of 1, 2, 4… codes.

A trie walked code by code takes as many steps as the longest piece has characters. Here every node is a
string of codes and a transition appends a whole block, itself a node: strings of 2 and 4 codes are made of
two halves, and longer ones grow by the largest block that fits (11 = 4 + 4 + 2 + 1). So seven transitions
reach 19 codes. The prefixes of a trie are nested, so trying blocks from large to small finds the longest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from pocketformer.tokenizer.double_array import FreeSlots

__all__ = ["Trie", "build_trie"]

Codes = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Trie:
    """A vocabulary to match against; arrays are int32.

    The transition from node `x` by block `y` leads to slot `t = base[x] + y`, if `check[t]` names `x`.

    Attributes:
        base: `[nodes]`.
        check: `[slots]`, a slot for every sum of a base and a block: twice the node that slot was filled
            from, plus one if its string begins a piece; -1 where there is nothing.
        best_id: `[nodes]`, id of the longest piece that a node's string begins with, `unk_id` if none.
        best_length: `[nodes]`, how many codes that piece has, 0 if none.
        block: The largest block, in codes.
        repeats: How many of the largest blocks can follow the first.
    """

    base: NDArray[np.int32]
    check: NDArray[np.int32]
    best_id: NDArray[np.int32]
    best_length: NDArray[np.int32]
    block: int
    repeats: int


def build_trie(pieces: Mapping[Codes, int], code_count: int, unk_id: int) -> Trie:
    """Build the double array.

    Args:
        pieces: Codes of each piece, with its id. Codes are 1 or more; 0 is kept for "nothing".
        code_count: One more than the highest code; the node of a single code has that code as its slot.
        unk_id: The id where nothing matches.
    """
    depth = max(map(len, pieces), default=1)
    block = _best_block(depth)
    prefixes = {piece[:size] for piece in pieces for size in range(1, len(piece) + 1)}
    children = _transitions(prefixes, block)
    slots, bases = _place(children, code_count, block)
    nodes = max(code_count, 1 + max(slots.values()))
    last_block = max(slot for codes, slot in slots.items() if _is_block(len(codes), block))
    base, best_id, best_length = np.zeros((3, nodes), np.int32)
    check = np.full(1 + max(bases.values(), default=0) + max(last_block, code_count), -1, np.int32)
    for codes, start in bases.items():
        base[slots[codes]] = start
        for ending in children[codes]:
            check[start + slots[ending]] = 2 * slots[codes] + (codes + ending in prefixes)
    best_id[:] = unk_id
    for codes, slot in slots.items():
        length = next((size for size in range(len(codes), 0, -1) if codes[:size] in pieces), 0)
        if length:
            best_id[slot], best_length[slot] = pieces[codes[:length]], length
    return Trie(base, check, best_id, best_length, block, _repeats(depth, block))


def _best_block(depth: int) -> int:
    """The size that takes the fewest transitions to any string of up to `depth` codes.

    These are: one for each doubling that builds a block, one for each repeated block, one for each smaller.
    """
    sizes = [1 << bit for bit in range(depth.bit_length())]
    return min(sizes, key=lambda size: 2 * size.bit_length() + _repeats(depth, size))


def _repeats(depth: int, block: int) -> int:
    return depth // block - 1


def _is_block(length: int, block: int) -> bool:
    return length <= block and length & (length - 1) == 0


def _parent_length(length: int, block: int) -> int:
    """How many codes of a string its parent has: a block halves, a longer string loses its last block."""
    if _is_block(length, block):
        return length // 2
    return length - min(length & -length, block)


def _transitions(prefixes: Collection[Codes], block: int) -> dict[Codes, set[Codes]]:
    """The blocks that lead from each node to its children, for all prefixes and the blocks they need."""
    children: dict[Codes, set[Codes]] = defaultdict(set)
    known = set(prefixes)
    waiting = [codes for codes in known if len(codes) > 1]
    while waiting:
        codes = waiting.pop()
        cut = _parent_length(len(codes), block)
        children[codes[:cut]].add(codes[cut:])
        missing = {codes[:cut], codes[cut:]} - known
        known |= missing
        waiting += [part for part in missing if len(part) > 1]
    return children


def _place(
    children: Mapping[Codes, set[Codes]], code_count: int, block: int
) -> tuple[dict[Codes, int], dict[Codes, int]]:
    """Give every node a slot, and every parent a base.

    Parents of blocks go first, the short ones before the long: so a block's slot is known before it is
    needed, and it is low, which keeps the array short.
    """

    def turn(codes: Codes) -> int:
        makes_block = any(_is_block(len(codes) + len(ending), block) for ending in children[codes])
        return len(codes) if makes_block else block

    slots: dict[Codes, int] = {(code,): code for code in range(1, code_count)}
    bases: dict[Codes, int] = {}
    free = FreeSlots(code_count, sum(map(len, children.values())))
    for _, group in groupby(sorted(children, key=turn), key=turn):
        _place_group({codes: sorted(children[codes]) for codes in group}, slots, bases, free)
    return slots, bases


def _place_group(
    group: Mapping[Codes, list[Codes]], slots: dict[Codes, int], bases: dict[Codes, int], free: FreeSlots
) -> None:
    """Place the children of some parents: wide families first, only children in what is left between."""
    offsets = {codes: sorted(slots[ending] for ending in endings) for codes, endings in group.items()}
    families = sorted(
        (codes for codes in group if len(group[codes]) > 1),
        key=lambda codes: (offsets[codes][-1] - offsets[codes][0]).bit_length() << 32 | len(group[codes]),
        reverse=True,
    )
    only = sorted((codes for codes in group if len(group[codes]) == 1), key=lambda codes: offsets[codes])
    bases |= {codes: free.take_family(offsets[codes]) for codes in families}
    taken = free.take_each([offsets[codes][0] for codes in only])
    bases |= {codes: slot - offsets[codes][0] for codes, slot in zip(only, taken, strict=True)}
    slots |= {
        codes + ending: bases[codes] + slots[ending] for codes, endings in group.items() for ending in endings
    }
