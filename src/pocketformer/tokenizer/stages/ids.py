"""Pieces to ids: the first so many pieces of the text, framed and padded."""

from __future__ import annotations

import torch
from torch import Tensor

from pocketformer.tokenizer.options import TokenizerOptions
from pocketformer.tokenizer.stages.arrays import Gather, LookUp, constant, select
from pocketformer.tokenizer.stages.pieces import Pieces

__all__ = ["bits_of_order", "framed_ids", "piece_positions"]


def bits_of_order(count: int) -> Tensor:
    """The binary digits of 0, 1, … count - 1, lowest first: bool `[bits, count]`."""
    order = torch.arange(count)
    bits = max(1, (count - 1).bit_length())
    return torch.stack([order // 2**bit % 2 == 1 for bit in range(bits)])


def piece_positions(ends: Tensor, bits: Tensor, gather: Gather) -> Tensor:
    """Where the first pieces of a text start.

    The t-th piece is t jumps from the first. Jumps of 1, 2, 4, … pieces are made by following each twice,
    and every t takes those of its binary digits.

    Args:
        ends: Where the piece at each position ends, int32 `[positions]`.
        bits: Binary digits of the order of the pieces, bool `[bits, pieces]`.
        gather: Reads values at an index.

    Returns:
        Positions, int32 `[pieces]`.
    """
    found = select(bits[0], ends[:1], 0)
    for bit in range(1, bits.shape[0]):
        ends = gather(ends, ends)
        found = select(bits[bit], gather(ends, found), found)
    return found


def framed_ids(
    pieces: Pieces, at: Tensor, length: Tensor, options: TokenizerOptions, look_up: LookUp, gather: Gather
) -> tuple[Tensor, Tensor]:
    """Put `[CLS]` before and `[SEP]` behind the ids of some pieces, and pad.

    Args:
        pieces: The piece that would start at each position.
        at: Where the first pieces start, int32 `[pieces]`.
        length: How many symbols the text has, int32 `[1]`.
        options: The tokenizer's settings.
        look_up: Reads the tokenizer's tables.
        gather: Reads values at an index.

    Returns:
        Ids and mask, int32 `[pieces + 2]`.
    """
    real = (at < length).to(torch.int32)
    ids = look_up("best_id", gather(pieces.nodes, at)) * real
    before, here = torch.cat([constant(1), real]), torch.cat([real, constant(0)])
    closing = (before - here) * options.sep_id + (1 - before) * options.pad_id
    behind_cls = torch.cat([ids, constant(0)]) + closing
    return torch.cat([constant(options.cls_id), behind_cls]), torch.cat([constant(1), before])
