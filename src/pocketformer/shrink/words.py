"""A frequency list: the words of a language, the commonest first, one per line."""

from __future__ import annotations

from pathlib import Path

from pocketformer.errors import DataError

__all__ = ["read_words"]


def read_words(path: Path | None, top: int | None = None) -> list[str]:
    """Return the words of a frequency list; what follows a line's first blank, as a count, is left alone.

    Args:
        path: A UTF-8 file; None has no words.
        top: How many of its first words; None for all.

    Raises:
        DataError: The file cannot be read, or holds no word.
    """
    if path is None:
        return []
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"The frequency list {path} cannot be read ({error}); give a UTF-8 file with one word per line."
        ) from error
    words = [line.split()[0] for line in lines if line.strip()]
    if not words:
        raise DataError(f"The frequency list {path} is empty; give a UTF-8 file with one word per line.")
    return words[:top]
