"""Texts for a person to start with: those golden texts that are most like what the model was made for."""

from __future__ import annotations

import string
from collections.abc import Iterable, Sequence

from pocketformer.checks.golden import GoldenCase

__all__ = ["examples_among"]

_CHARACTERS = range(12, 120)
_ENDINGS = tuple(".?!。？！؟।")
_LEAST_LETTERS = 0.7  # of a sentence's characters, spaces included
_LEAST_KNOWN = 0.5  # of its letters


def examples_among(
    cases: Iterable[GoldenCase], labels: Sequence[str], known_texts: Iterable[str], most: int
) -> tuple[str, ...]:
    """Return sentences of different labels, the surest first.

    Args:
        cases: Golden texts of a classifier.
        labels: In the order of the scores.
        known_texts: Some texts the model was made for: examples are written in their letters. None at all
            stands for English.
        most: How many to return at most.
    """
    known = {char.lower() for text in known_texts for char in text if char.isalpha()}
    known = known or set(string.ascii_lowercase)
    found: dict[str, list[tuple[float, float, str]]] = {label: [] for label in labels}
    for case in cases:
        if case.text is None or case.scores is None or case.truncated or not _is_sentence(case.text):
            continue
        familiar = _share(case.text, known)
        if familiar >= _LEAST_KNOWN:
            score = max(case.scores)
            found[labels[case.scores.index(score)]].append((-round(familiar, 1), -score, case.text))
    ranked = [[text for _, _, text in sorted(entries)] for entries in found.values()]
    turns = [text for turn in range(most) for texts in ranked for text in texts[turn : turn + 1]]
    return tuple(turns[:most])


def _is_sentence(text: str) -> bool:
    letters = sum(char.isalpha() or char.isspace() for char in text)
    return (
        len(text) in _CHARACTERS
        and text.isprintable()
        and "[" not in text  # BERT's special tokens, written out
        and text[0].isalpha()
        and not text[0].islower()
        and text.endswith(_ENDINGS)
        and letters >= _LEAST_LETTERS * len(text)
    )


def _share(text: str, known: set[str]) -> float:
    """Return how many of a text's letters are known ones."""
    letters = [char.lower() for char in text if char.isalpha()]
    return sum(char in known for char in letters) / len(letters)
