"""Texts with their targets, and the key by which two texts count as the same."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


# Compared by identity: the generated `==` would ask an array for one truth value.
@dataclass(frozen=True, slots=True, eq=False)
class LabeledTexts:
    """Texts with their targets.

    Attributes:
        texts: The texts as they stand in the table, `[rows]`.
        targets: Single-label: int64 `[rows]`, positions in `labels`.
            Multi-label: float32 `[rows, labels]`, multi-hot.
        labels: The label names, in the order of the model's outputs.
        multi_label: Whether a text may have several labels.
    """

    texts: tuple[str, ...]
    targets: npt.NDArray[np.int64] | npt.NDArray[np.float32]
    labels: tuple[str, ...]
    multi_label: bool

    def __len__(self) -> int:
        return len(self.texts)

    def subset(self, rows: Sequence[int] | npt.NDArray[np.integer] | npt.NDArray[np.bool_]) -> LabeledTexts:
        """Return the rows named by position (in that order) or by a mask, with all the labels."""
        chosen = np.asarray(rows)
        if chosen.dtype != np.bool_:
            chosen = chosen.astype(np.int64)
        positions = np.arange(len(self))[chosen]
        texts = tuple(self.texts[position] for position in positions)
        return LabeledTexts(texts, self.targets[positions], self.labels, self.multi_label)

    def counts(self) -> dict[str, int]:
        """Return how many rows each label has, in label order, those with none included."""
        per_label = self.multi_hot().sum(axis=0)
        return {label: int(count) for label, count in zip(self.labels, per_label, strict=True)}

    def multi_hot(self) -> npt.NDArray[np.bool_]:
        """Return which labels each row has, bool `[rows, labels]`, for both kinds of targets."""
        if self.multi_label:
            return np.asarray(self.targets, dtype=np.bool_)
        return np.equal.outer(self.targets, np.arange(len(self.labels)))


def text_key(text: str) -> str:
    """Return what two texts share when they count as the same text.

    Unicode composition (NFC), letter case (casefold) and the kind and amount of whitespace make no
    difference. Decomposing before folding is what Unicode asks of a caseless match (D145).
    """
    folded = unicodedata.normalize("NFD", text).casefold()
    return " ".join(unicodedata.normalize("NFC", folded).split())
