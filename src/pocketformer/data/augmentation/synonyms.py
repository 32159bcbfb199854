"""Synonym replacement, from a file of the user's or from WordNet."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from pocketformer.data.augmentation.edits import chosen
from pocketformer.data.augmentation.words import Words, like
from pocketformer.data.wording import quoted
from pocketformer.errors import DataError

__all__ = ["SynonymFile", "Synonyms", "with_synonyms"]

_SEPARATORS = re.compile(r"[\t,，]")

Phrase = tuple[str, ...]


class Synonyms(Protocol):
    """Where synonyms come from.

    Attributes:
        longest: The most words a phrase has that `of` knows.
    """

    longest: int

    def of(self, phrase: Phrase) -> Sequence[str]:
        """Return what means the same as a phrase, given as case-folded words; nothing for an unknown one."""


class SynonymFile:
    """A user's synonyms: on each line words or phrases that mean the same, separated by tabs or commas.

    Empty lines, and lines that begin with `#`, are passed over.

    Args:
        path: A UTF-8 text file.

    Raises:
        DataError: It is missing, not UTF-8, without any synonym, or has a line with a single word.
    """

    def __init__(self, path: Path) -> None:
        self._known: dict[Phrase, list[str]] = {}
        for number, line in enumerate(_lines(path), start=1):
            if line.strip() and not line.lstrip().startswith("#"):
                self._add([word.strip() for word in _SEPARATORS.split(line)], f"{path}, line {number:,}")
        if not self._known:
            raise DataError(f"{path} holds no synonyms. Put words that mean the same on one line each.")
        self.longest = max(map(len, self._known))

    def of(self, phrase: Phrase) -> Sequence[str]:
        """Return the other words on the phrase's lines."""
        return self._known.get(phrase, ())

    def _add(self, same: list[str], where: str) -> None:
        phrases = {word: _folded(Words.of(word).words) for word in same if word}
        if len(phrases) < 2 or not all(phrases.values()):
            raise DataError(
                f"{where}: {quoted(', '.join(same))} are not two words or more that mean the same. Separate "
                "them by tabs or commas, as in 'buy, purchase'."
            )
        for word, phrase in phrases.items():
            known = self._known.setdefault(phrase, [])
            known += [other for other in phrases if other != word and other not in known]


def with_synonyms(text: Words, share: float, synonyms: Synonyms, draw: np.random.Generator) -> Words:
    """Return a text with about `share` of the words that have synonyms replaced, at least one of them."""
    places = _known_places(text, synonyms)
    if not places:
        return text
    changes = {}
    for number in sorted(chosen(len(places), share, draw)):
        start, count, options = places[number]
        changes[start, count] = like(text.words[start], options[int(draw.integers(len(options)))])
    return text.replaced(changes)


def _known_places(text: Words, synonyms: Synonyms) -> list[tuple[int, int, Sequence[str]]]:
    """Return first word, number of words and synonyms of each known phrase, the longest from each word."""
    folded = _folded(text.words)
    places, start = [], 0
    while start < len(folded):
        count = 1
        for size in range(min(synonyms.longest, len(folded) - start), 0, -1):
            # A phrase does not reach across a comma.
            together = not any(gap.strip() for gap in text.gaps[start + 1 : start + size])
            options = synonyms.of(folded[start : start + size]) if together else ()
            if options:
                places.append((start, size, options))
                count = size
                break
        start += count
    return places


def _folded(words: Sequence[str]) -> Phrase:
    return tuple(word.casefold() for word in words)


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        raise DataError(f"The file of synonyms {path} does not exist. Give the path of a text file.")
    try:
        return path.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8.") from error
