"""Masked-language-model replacement, as far as it needs no model: which words are filled anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from pocketformer.data.augmentation.edits import chosen
from pocketformer.data.augmentation.words import Words, like

__all__ = ["FillWords", "with_filled_words"]


class FillWords(Protocol):
    """A model that proposes words for gaps in texts; `pocketformer.train.masked_words` has one."""

    def __call__(
        self, texts: Sequence[Words], places: Sequence[Sequence[int]], seed: int
    ) -> list[list[str | None]]:
        """Return for each text and place another word, or None where there is none.

        Args:
            texts: The texts as they are.
            places: By text, the numbers of the words to propose others for, ascending.
            seed: Of the draw among proposals.
        """


def with_filled_words(
    texts: Sequence[Words], share: float, fill: FillWords, draw: np.random.Generator
) -> list[Words]:
    """Return texts with about `share` of their words filled anew: words with letters, at least one each."""
    places = [_places(text, share, draw) for text in texts]
    found = fill(texts, places, int(draw.integers(2**62)))
    return [
        text.replaced(
            {
                (place, 1): like(text.words[place], word)
                for place, word in zip(at, words, strict=True)
                if word is not None
            }
        )
        for text, at, words in zip(texts, places, found, strict=True)
    ]


def _places(text: Words, share: float, draw: np.random.Generator) -> list[int]:
    lettered = [place for place, word in enumerate(text.words) if any(sign.isalpha() for sign in word)]
    return [lettered[number] for number in sorted(chosen(len(lettered), share, draw))] if lettered else []
