"""A text as the int32 array that a `text` input takes: UTF-8, cut to size, zero padded. Needs numpy alone."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

__all__ = ["cut_bytes", "cut_text", "encode_text"]

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def encode_text(text: str | bytes, max_bytes: int) -> NDArray[np.int32]:
    """Encode one text for a model file's `text` input.

    Args:
        text: A string, or bytes that are meant as UTF-8. Bytes that are no valid UTF-8 pass through
            unchanged: the model reads them as Python's `decode("utf-8", "replace")` would.
        max_bytes: Size of the input, in bytes. See `cut_bytes` for what happens to a longer text.

    Returns:
        Values 0..255, zero padded, int32 `[1, max_bytes]`.
    """
    content = cut_bytes(text, max_bytes)
    padded = np.zeros((1, max_bytes), dtype=np.int32)
    padded[0, : len(content)] = np.frombuffer(content, dtype=np.uint8)
    return padded


def cut_bytes(text: str | bytes, max_bytes: int) -> bytes:
    """Return a text's UTF-8 bytes, at most `max_bytes` of them.

    A longer text is cut before the character that would cross the limit, never inside a valid character.
    A surrogate code point in a string, which UTF-8 cannot hold, becomes U+FFFD (not the `?` of
    `str.encode("utf-8", "replace")`): one for each.

    Raises:
        ValueError: `max_bytes` is less than one.
    """
    if max_bytes < 1:
        raise ValueError(f"max_bytes is {max_bytes}; it must be 1 or more.")
    content = text if isinstance(text, bytes) else _LONE_SURROGATE.sub("\ufffd", text).encode("utf-8")
    if len(content) <= max_bytes:
        return content
    return content[: _boundary(content, max_bytes)]


def cut_text(text: str | bytes, max_bytes: int) -> str:
    """Return the part of a text that a model file with `max_bytes` reads, invalid bytes as U+FFFD."""
    return cut_bytes(text, max_bytes).decode("utf-8", "replace")


def _boundary(content: bytes, limit: int) -> int:
    """The start of the valid character that crosses `limit`, or `limit` itself when none does."""
    for start in range(limit - 1, max(limit - 4, -1), -1):
        for end in range(limit + 1, start + 5):
            if _is_character(content[start:end]):
                return start
    return limit


def _is_character(piece: bytes) -> bool:
    try:
        return len(piece.decode("utf-8")) == 1
    except UnicodeDecodeError:
        return False
