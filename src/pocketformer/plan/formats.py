"""How the numbers of one weight are stored: the names, and what they cost."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pocketformer.errors import RecipeError

__all__ = ["Kind", "WeightFormat"]

Kind = Literal["float", "integer", "palette"]

_FLOAT_BITS = (16, 32)
_INTEGER_BITS = range(2, 9)
_PALETTE_BITS = (1, 2, 3, 4, 6, 8)  # those Core ML stores
_SCALE_BITS = 16  # scales and palettes hold float16 numbers
_NAME = re.compile(r"(fp|int|palette)(\d+)(?:-([bg])(\d+))?")
_CODE = re.compile(r"(p?)(\d+)(?:([bg])(\d+))?")
_PREFIXES: dict[Kind, str] = {"float": "fp", "integer": "int", "palette": "palette"}
_KINDS: dict[str, Kind] = {prefix: kind for kind, prefix in _PREFIXES.items()}


@dataclass(frozen=True, slots=True)
class WeightFormat:
    """The numbers of one weight `[rows, columns]`; a row is an output channel, or a token of an embedding.

    Attributes:
        kind: 'float'; 'integer', a code times a scale, from -(2**(bits-1)-1) to 2**(bits-1)-1; or
            'palette', a place among 2**bits values.
        bits: Per number.
        size: Columns that share a scale (0: the whole row), or rows that share a palette (0: all).

    Raises:
        RecipeError: No such format.
    """

    kind: Kind
    bits: int
    size: int = 0

    def __post_init__(self) -> None:
        allowed: dict[Kind, Sequence[int]] = {
            "float": _FLOAT_BITS,
            "integer": _INTEGER_BITS,
            "palette": _PALETTE_BITS,
        }
        if self.bits not in allowed[self.kind]:
            choices = ", ".join(f"{_PREFIXES[self.kind]}{bits}" for bits in allowed[self.kind])
            raise RecipeError(
                f"There is no weight format {_PREFIXES[self.kind]}{self.bits}; there are {choices}."
            )
        if self.size < 0 or (self.size and self.kind == "float"):
            raise RecipeError(f"A {self.kind} weight cannot be divided by {self.size}.")

    @classmethod
    def parse(cls, name: str) -> WeightFormat:
        """Read a format from its name.

        Args:
            name: "fp32", "fp16"; "int8", "int4" … "int2" with a scale per row, "int4-b32" with one per block
                of 32 columns; "palette4" with 2**4 values per weight, "palette4-g16" per group of 16 rows.

        Raises:
            RecipeError: No such format.
        """
        found = _NAME.fullmatch(name)
        if found is None or (found[3] is not None and found[3] != _size_letter(_KINDS[found[1]])):
            raise RecipeError(
                f"{name!r} is no weight format; give one such as fp32, fp16, int8, int4, int4-b32 (a scale "
                "per block of 32 inputs), palette4 (16 shared values) or palette4-g16 (per group of 16 rows)."
            )
        return cls(_KINDS[found[1]], int(found[2]), int(found[4] or 0))

    @classmethod
    def decode(cls, code: str) -> WeightFormat:
        """Read a format from its short code in a plan's name: "8", "4b32", "16", "p4g16".

        Raises:
            RecipeError: No such code.
        """
        found = _CODE.fullmatch(code)
        if found is None:
            raise RecipeError(f"{code!r} is no code of a weight format; give one such as 8, 4b32 or p4g16.")
        kind: Kind = "palette" if found[1] else "float" if int(found[2]) in _FLOAT_BITS else "integer"
        if found[3] is not None and found[3] != _size_letter(kind):
            raise RecipeError(f"{code!r} is no code of a weight format: {kind} weights have no {found[3]!r}.")
        return cls(kind, int(found[2]), int(found[4] or 0))

    @property
    def code(self) -> str:
        """The short code, as "4b32"."""
        size = f"{_size_letter(self.kind)}{self.size}" if self.size else ""
        return f"{'p' if self.kind == 'palette' else ''}{self.bits}{size}"

    @property
    def highest(self) -> int:
        """The largest code of an integer format, as 7 of int4; the smallest is its negative."""
        return int(2 ** (self.bits - 1) - 1)

    def fits(self, shape: Sequence[int]) -> bool:
        """Whether a weight `[rows, columns…]` divides into the format's blocks or groups."""
        if not self.size:
            return True
        return (math.prod(shape[1:]) if self.kind == "integer" else shape[0]) % self.size == 0

    def stored_bytes(self, shape: Sequence[int]) -> float:
        """Return what a weight of this shape takes: its numbers, and float16 scales or palettes."""
        rows, columns = shape[0], math.prod(shape[1:])
        numbers = rows * columns * self.bits
        if self.kind == "integer":
            numbers += rows * (columns // self.size if self.size else 1) * _SCALE_BITS
        elif self.kind == "palette":
            numbers += (rows // self.size if self.size else 1) * 2**self.bits * _SCALE_BITS
        return numbers / 8

    def __str__(self) -> str:
        """Return the name that `parse` reads."""
        size = f"-{_size_letter(self.kind)}{self.size}" if self.size else ""
        return f"{_PREFIXES[self.kind]}{self.bits}{size}"


def _size_letter(kind: Kind) -> str:
    return {"float": "", "integer": "b", "palette": "g"}[kind]
