"""A weight as codes on a grid, and back: the one rule, whatever stores them.

Integers are symmetric and narrow: the largest magnitude of a row or block has the largest code. Scales are
float16 numbers, so that each format of file holds them exactly; those of few bits are bfloat16 numbers as
well, which is what XNNPACK makes of the scales of blocks. A weight that lies on the grid has no error
at this scale; encoding it again gives the same codes, and so does every quantiser that goes by the largest
magnitude.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from pocketformer.errors import RecipeError
from pocketformer.plan.formats import WeightFormat
from pocketformer.plan.palettes import palettes

__all__ = ["CLIPPED_BITS", "Codes", "decode", "encode", "scales_of"]

_SMALLEST_SCALE = 2.0**-24  # float16's smallest: a row of zeros has a scale too
CLIPPED_BITS = 4  # above, the least squared error hardly ever cuts anything off
# Shares of a range that are tried, the whole first: a weight on the grid keeps its scale.
_SHARES = (1.0, *(round(1 - 0.025 * step, 3) for step in range(1, 29)))


@dataclass(frozen=True, slots=True, eq=False)
class Codes:
    """A weight as small integers.

    Attributes:
        format: What they mean.
        shape: Of the weight.
        values: int8 `[rows, columns]`; of a palette the places, uint8.
        scales: float32 `[rows, blocks]`, one block where a row has one scale; palettes `[groups, 2**bits]`.
    """

    format: WeightFormat
    shape: tuple[int, ...]
    values: Tensor
    scales: Tensor


def encode(weight: Tensor, into: WeightFormat, clipped: bool = False) -> Codes:
    """Return a weight as codes.

    Args:
        weight: float32 `[rows, columns…]`, finite.
        into: Integer or palette.
        clipped: Let the scale of few bits cut off the largest magnitudes where the squared error is less.

    Raises:
        RecipeError: A float format, or a weight that does not divide into blocks or groups.
    """
    _require_fit(weight, into)
    matrix = weight.detach().reshape(len(weight), -1).float()
    if into.kind == "palette":
        groups = len(matrix) // into.size if into.size else 1
        places, tables = palettes(matrix.numpy(), groups, 2**into.bits)
        return Codes(into, tuple(weight.shape), torch.from_numpy(places), torch.from_numpy(tables))
    blocks = matrix.reshape(len(matrix), -1, into.size or matrix.shape[1])
    scales = scales_of(blocks, into.highest, clipped and into.bits <= CLIPPED_BITS)
    values = _rounded(blocks, scales, into.highest).to(torch.int8)
    return Codes(into, tuple(weight.shape), values.reshape(matrix.shape), scales[..., 0])


def decode(codes: Codes) -> Tensor:
    """Return the float32 weight that codes stand for."""
    if codes.format.kind == "palette":
        groups = codes.values.reshape(len(codes.scales), -1).long()
        return torch.gather(codes.scales, 1, groups).reshape(codes.shape)
    rows, blocks = codes.scales.shape
    values = codes.values.reshape(rows, blocks, -1).float()
    return (values * codes.scales[..., None]).reshape(codes.shape)


def scales_of(blocks: Tensor, highest: int, clipped: bool = False) -> Tensor:
    """Return the scales `[rows, blocks, 1]` of `[rows, blocks, size]`, float16 numbers in float32.

    Args:
        blocks: Finite numbers.
        highest: The largest code.
        clipped: Of a few shares of the range, take the one with the least squared error; else the whole.
    """
    full = blocks.abs().amax(dim=-1, keepdim=True) / highest
    best = _stored(full, highest)
    if not clipped:
        return best
    least = _squared_error(blocks, best, highest)
    for share in _SHARES[1:]:
        scales = _stored(full * share, highest)
        error = _squared_error(blocks, scales, highest)
        better = error < least
        least, best = torch.where(better, error, least), torch.where(better, scales, best)
    return best


def _squared_error(blocks: Tensor, scales: Tensor, highest: int) -> Tensor:
    return (_rounded(blocks, scales, highest) * scales - blocks).square().sum(dim=-1, keepdim=True)


def _rounded(blocks: Tensor, scales: Tensor, highest: int) -> Tensor:
    return torch.clamp(torch.round(blocks / scales), -highest, highest)


def _stored(scales: Tensor, highest: int) -> Tensor:
    """Return float16 numbers, rounded down: what is largest must keep the largest code.

    Of few bits it does so when the scale is rounded up by less than half a percent, as bfloat16 may.
    """
    if highest < 2 ** (CLIPPED_BITS - 1):
        scales = scales.bfloat16().float()
    nearest = scales.half()
    below = (nearest.view(torch.int16) - 1).view(torch.half)
    above = (nearest > scales) & nearest.isfinite()  # what float16 cannot hold is to be seen
    return torch.where(above, below, nearest).float().clamp(min=_SMALLEST_SCALE)


def _require_fit(weight: Tensor, into: WeightFormat) -> None:
    if into.kind == "float":
        raise RecipeError(f"{into} has no codes; give an integer or palette into.")
    if not into.fits(weight.shape):
        raise RecipeError(
            f"A weight {list(weight.shape)} does not divide into {into}: choose another size, or a "
            "scale per row."
        )
