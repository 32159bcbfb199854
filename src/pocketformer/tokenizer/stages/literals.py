"""Special tokens written out in a text, such as `[MASK]`: found in the raw bytes, before any cleaning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pocketformer.tokenizer.stages.arrays import LookUp, ahead, constant, later, select

__all__ = ["Literals", "mark_literals"]

_LARGEST_NUMBER = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Literals:
    """The literals of a tokenizer, written as numbers.

    Each byte that some literal holds is a digit, so a run of bytes is a number and one comparison finds it.

    Attributes:
        digits: Digit of each byte, 0 for bytes of no literal; int32 `[256]`.
        radix: One more than the highest digit.
        contents: The literals as bytes, in the order of their symbols.
        first_symbol: The symbol of the first; the others follow.
    """

    digits: NDArray[np.int32]
    radix: int
    contents: tuple[bytes, ...]
    first_symbol: int

    @classmethod
    def of(cls, contents: Sequence[str], first_symbol: int) -> Literals:
        """Number the bytes of some literals."""
        encoded = tuple(content.encode("utf-8") for content in contents)
        held = sorted(set(b"".join(encoded)))
        digits = np.zeros(256, np.int32)
        digits[held] = np.arange(1, len(held) + 1)
        return cls(digits, len(held) + 1, encoded, first_symbol)

    @property
    def longest_run(self) -> int:
        """How many bytes one int32 number can hold; longer literals are compared run by run."""
        size = 1
        while self.radix ** (size + 1) <= _LARGEST_NUMBER:
            size += 1
        return size

    def number(self, run: bytes) -> int:
        """The number that a run of bytes is written as."""
        value = 0
        for byte in run:
            value = value * self.radix + int(self.digits[byte])
        return value


def mark_literals(literals: Literals, data: Tensor, symbols: Tensor, look_up: LookUp) -> Tensor:
    """Put each literal's symbol in the slot of its first byte, and nothing in the rest of its slots.

    Args:
        literals: Of which no two can overlap in a text.
        data: Bytes, int32 `[max_bytes]`.
        symbols: Symbols without literals, int32 `[max_bytes]`.
        look_up: Reads the tokenizer's tables.
    """
    if not literals.contents:
        return symbols
    numbers = _run_numbers(literals, look_up("digits", data))
    marks = constant(0, data.shape[0])
    borders = constant(0, data.shape[0])
    for length in sorted(set(map(len, literals.contents))):
        found = constant(0, data.shape[0])
        for symbol, content in enumerate(literals.contents, literals.first_symbol):
            if len(content) == length:
                found = select(_is_at(content, literals, numbers), symbol, found)
        starts = (found > 0).to(torch.int32)
        marks = marks + found
        borders = borders + starts - later(starts, length, 0)
    return select(torch.cumsum(borders, 0, dtype=torch.int32) > 0, marks, symbols)


def _run_numbers(literals: Literals, digits: Tensor) -> dict[int, Tensor]:
    """For each length of a run, the number of the run that starts at each byte: int32 `[max_bytes]`."""
    size = digits.shape[0]
    longest = min(literals.longest_run, max(map(len, literals.contents)))
    padded = torch.cat([digits, constant(0, longest)])
    numbers = {1: digits}
    for length in range(2, longest + 1):
        numbers[length] = numbers[length - 1] * literals.radix + padded[length - 1 : length - 1 + size]
    return numbers


def _is_at(content: bytes, literals: Literals, numbers: dict[int, Tensor]) -> Tensor:
    """Where a literal starts: bool `[max_bytes]`."""
    longest = max(numbers)
    starts = range(0, len(content), longest)
    runs = [content[start : start + longest] for start in starts]
    found = numbers[len(runs[0])] == literals.number(runs[0])
    for start, run in zip(starts[1:], runs[1:], strict=True):
        found = torch.logical_and(found, ahead(numbers[len(run)], start, 0) == literals.number(run))
    return found
