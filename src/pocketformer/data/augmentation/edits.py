"""Random deletion and random swap (Wei and Zou 2019, EDA), both without a model or a word list."""

from __future__ import annotations

import numpy as np

from pocketformer.data.augmentation.words import Words

__all__ = ["chosen", "with_deletions", "with_swaps"]


def with_deletions(text: Words, share: float, draw: np.random.Generator) -> Words:
    """Return a text without about `share` of its words: at least one goes, and at least one stays."""
    count = len(text.words)
    return text if count < 2 else text.without(chosen(count, share, draw, most=count - 1))


def with_swaps(text: Words, swaps: int, draw: np.random.Generator) -> Words:
    """Return a text in which two words have changed places, `swaps` times; punctuation stays where it is."""
    words = list(text.words)
    if len(words) < 2:
        return text
    for _ in range(swaps):
        one, other = draw.choice(len(words), size=2, replace=False)
        words[one], words[other] = words[other], words[one]
    return Words(tuple(words), text.gaps)


def chosen(count: int, share: float, draw: np.random.Generator, most: int | None = None) -> set[int]:
    """Return positions below `count`, each with the probability `share`: one at least, `most` at most."""
    places = np.flatnonzero(draw.random(count) < share)
    if not places.size:
        places = draw.integers(count, size=1)
    if most is not None and places.size > most:
        places = draw.permutation(places)[:most]
    return {int(place) for place in places}
