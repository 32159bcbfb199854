"""The held-out rows a file gets most confidently wrong: where to look for bad labels first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pocketformer.data import LabeledTexts


@dataclass(frozen=True, slots=True)
class Mistake:
    """One misclassified row: what it was labelled, what the file says, and how sure it is (0 to 1)."""

    text: str
    expected: str
    predicted: str
    score: float
    expected_score: float


def hardest_mistakes(data: LabeledTexts, scores: np.ndarray, limit: int = 25) -> tuple[Mistake, ...]:
    """Return the misclassified rows, most confident first.

    Args:
        data: The held-out rows.
        scores: float32 [rows, labels] of the file.
        limit: Rows to return at most.
    """
    rows = _multi_label(data, scores) if data.multi_label else _single_label(data, scores)
    return tuple(sorted(rows, key=lambda mistake: (-mistake.score, mistake.text))[:limit])


def _single_label(data: LabeledTexts, scores: np.ndarray) -> list[Mistake]:
    predicted = scores.argmax(axis=1)
    return [
        Mistake(
            data.texts[row],
            data.labels[data.targets[row]],
            data.labels[predicted[row]],
            float(scores[row, predicted[row]]),
            float(scores[row, data.targets[row]]),
        )
        for row in np.flatnonzero(predicted != data.targets)
    ]


def _multi_label(data: LabeledTexts, scores: np.ndarray) -> list[Mistake]:
    """One row per wrong label: the confidence is that of the wrong decision."""
    wrong = (scores >= 0.5) != (data.targets >= 0.5)
    return [
        Mistake(
            data.texts[row],
            data.labels[label] if data.targets[row, label] else f"not {data.labels[label]}",
            f"not {data.labels[label]}" if data.targets[row, label] else data.labels[label],
            float(max(scores[row, label], 1 - scores[row, label])),
            float(min(scores[row, label], 1 - scores[row, label])),
        )
        for row, label in zip(*np.nonzero(wrong), strict=True)
    ]
