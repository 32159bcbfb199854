"""Accuracy, macro-F1 and the confusion matrix of logits or scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

__all__ = ["Metrics", "scores"]


@dataclass(frozen=True, slots=True)
class Metrics:
    """How well predictions fit their targets.

    Attributes:
        accuracy: Share of texts predicted right; multi-label: with every label right (subset accuracy).
        macro_f1: Mean of the labels' F1, every label counting alike. A label that neither occurs nor is
            predicted has no F1 and is left out.
        confusion: Counts `[true label][predicted label]`; None when multi-label.
    """

    accuracy: float
    macro_f1: float
    confusion: list[list[int]] | None


def scores(
    logits: npt.NDArray[np.floating[Any]],
    targets: npt.NDArray[Any],
    multi_label: bool,
    *,
    threshold: float = 0.0,
) -> Metrics:
    """Compare logits (or scores) with targets.

    Args:
        logits: `[texts, labels]`. The highest one wins, so softmax scores do as well.
        targets: Label numbers `[texts]`, or 0/1 `[texts, labels]` when multi-label.
        multi_label: Whether several labels can hold at once.
        threshold: Multi-label only: a label holds from here on. 0.0 for logits, which is a probability
            of 0.5; give 0.5 for sigmoid scores.
    """
    label_count = logits.shape[1]
    if multi_label:
        truth, predicted, confusion = np.asarray(targets) > 0, logits >= threshold, None
    else:
        truth, predicted = np.asarray(targets), logits.argmax(axis=1)
        confusion = confusion_matrix(truth, predicted, labels=range(label_count)).tolist()
    f1 = f1_score(truth, predicted, labels=range(label_count), average=None, zero_division=np.nan)
    defined = f1[~np.isnan(f1)]
    return Metrics(
        accuracy=float(accuracy_score(truth, predicted)),
        macro_f1=float(defined.mean()) if defined.size else 0.0,
        confusion=confusion,
    )
