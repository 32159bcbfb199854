"""Soft labels of TF-IDF + linear for the texts it learns from, each by machines that have not seen that text.

On texts it has learned from it is far surer than it has a right to be; from outputs out of fold a student
learns how sure one can be of a headline, and what a headline may be taken for.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from pocketformer.data import LabeledTexts
from pocketformer.train.baselines import linear_outputs

__all__ = ["out_of_fold"]

_FOLDS = 5

Array = npt.NDArray[np.float64]


def out_of_fold(train: LabeledTexts, seed: int = 0) -> Array:
    """Return calibrated log-probabilities `[texts, labels]` of texts with one label each.

    The outputs of a fold's texts are those of machines that learned from the other folds; a logistic
    regression from outputs to labels then makes probabilities of them (Platt 1999, for several labels).

    Args:
        train: Texts with labels.
        seed: Of the folds.
    """
    folds = np.random.default_rng(seed).integers(0, _FOLDS, len(train))
    outputs = np.zeros((len(train), len(train.labels)))
    for fold in range(_FOLDS):
        inside = np.flatnonzero(folds == fold)
        others = train.subset(np.flatnonzero(folds != fold))
        outputs[inside] = linear_outputs(others, [train.texts[row] for row in inside])
    return LogisticRegression(max_iter=1000).fit(outputs, train.targets).predict_log_proba(outputs)
