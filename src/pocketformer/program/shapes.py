"""The fixed sizes a program is built for."""

from __future__ import annotations

from dataclasses import dataclass

from pocketformer.errors import ExportError

_BYTES_PER_TOKEN = 8  # room for 128 tokens of any script; English needs 5, Chinese 3
_SHORTEST_TEXT_BYTES = 64
_SHORT_TEXT_DIVISOR = 8  # a line of 14 tokens has some 70 bytes; a buffer of 1,024 costs twice one of 128


@dataclass(frozen=True, slots=True)
class Shapes:
    """The fixed sizes a program is built for.

    Attributes:
        lengths: Tokens per id signature, ascending; the last one is the full length.
        max_bytes: UTF-8 bytes of text that the text signatures read; 8 per token when None.
    """

    lengths: tuple[int, ...] = (16, 32, 64, 128)
    max_bytes: int | None = None

    @property
    def max_length(self) -> int:
        """Tokens at the full length."""
        return self.lengths[-1]

    @property
    def text_bytes(self) -> int:
        """Bytes of text at the full length."""
        return self.max_bytes or self.max_length * _BYTES_PER_TOKEN

    @property
    def tokenizer_bytes(self) -> tuple[int, ...]:
        """Byte lengths in which `tokenize` comes, ascending."""
        short = self.text_bytes // _SHORT_TEXT_DIVISOR
        return (short, self.text_bytes) if short >= _SHORTEST_TEXT_BYTES else (self.text_bytes,)

    def checked(self, positions: int) -> Shapes:
        """Return these shapes if an encoder of `positions` positions can have them.

        Raises:
            ExportError: They are empty, unordered, too short or too long.
        """
        ordered = tuple(sorted(set(self.lengths)))
        if not ordered or ordered != tuple(self.lengths) or ordered[0] < 4:
            raise ExportError(
                f"Lengths {list(self.lengths)} cannot be exported: give different token counts of at "
                "least 4 in ascending order, such as 16, 32, 64, 128."
            )
        if self.max_length > positions:
            raise ExportError(
                f"Length {self.max_length} exceeds the {positions} positions this encoder was trained "
                f"for. Give lengths of at most {positions}."
            )
        if self.text_bytes < self.max_length:
            raise ExportError(
                f"max_bytes {self.text_bytes} is less than the {self.max_length} tokens of the full "
                "length. Give at least one byte per token; 8 per token is the default."
            )
        return self


DEFAULT_SHAPES = Shapes()
