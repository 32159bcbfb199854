"""Scores against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocketformer.train import scores


def one_hot(predictions: list[int], labels: int) -> np.ndarray:
    return np.eye(labels, dtype=np.float32)[predictions]


def test_accuracy_macro_f1_and_confusion() -> None:
    found = scores(one_hot([0, 0, 1, 2], 3), np.array([0, 1, 1, 2]), multi_label=False)
    assert found.accuracy == 0.75
    assert found.macro_f1 == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    assert found.confusion == [[1, 0, 0], [1, 1, 0], [0, 0, 1]]


def test_label_that_neither_occurs_nor_is_predicted_is_left_out() -> None:
    found = scores(one_hot([0, 1], 3), np.array([0, 1]), multi_label=False)
    assert (found.accuracy, found.macro_f1) == (1.0, 1.0)


def test_label_that_is_only_predicted_counts_as_zero() -> None:
    found = scores(one_hot([0, 1, 2], 3), np.array([0, 1, 1]), multi_label=False)
    assert found.macro_f1 == pytest.approx((1 + 2 / 3 + 0) / 3)


def test_multi_label_counts_whole_sets_and_each_label() -> None:
    logits = np.array([[2.0, -1.0], [0.5, 0.5], [-1.0, -2.0]], dtype=np.float32)
    targets = np.array([[1, 0], [1, 0], [0, 0]], dtype=np.float32)
    found = scores(logits, targets, multi_label=True)
    assert found.accuracy == pytest.approx(2 / 3)
    assert found.macro_f1 == pytest.approx((1.0 + 0.0) / 2)
    assert found.confusion is None


def test_multi_label_scores_have_their_own_threshold() -> None:
    logits = np.array([[3.0, -3.0], [-0.2, 0.2]], dtype=np.float32)
    targets = np.array([[1, 0], [1, 1]], dtype=np.float32)
    probabilities = 1 / (1 + np.exp(-logits))
    assert scores(logits, targets, True) == scores(probabilities, targets, True, threshold=0.5)


def test_multi_label_without_any_label_anywhere() -> None:
    found = scores(np.full((2, 2), -1.0), np.zeros((2, 2)), multi_label=True)
    assert (found.accuracy, found.macro_f1) == (1.0, 0.0)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1))
@settings(max_examples=25, deadline=None)
def test_confusion_matrix_agrees_with_accuracy(pairs: list[tuple[int, int]]) -> None:
    truth, predicted = [list(side) for side in zip(*pairs, strict=True)]
    found = scores(one_hot(predicted, 5), np.array(truth), multi_label=False)
    confusion = np.array(found.confusion)
    assert confusion.sum() == len(pairs)
    assert found.accuracy == pytest.approx(np.trace(confusion) / len(pairs))
    assert 0.0 <= found.macro_f1 <= 1.0
