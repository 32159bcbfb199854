"""Handwritten digits: MNIST from an .npz when one is given, else the 1,797 small ones inside scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

_SEED = 0
_TEST_SHARE = 0.25  # of the small digits, which have no test rows of their own


@dataclass(frozen=True, slots=True)
class Digits:
    """Images, 0 to 1, and which digit each shows.

    Attributes:
        train: float32 [rows, height, width].
        train_labels: int64 [rows].
        test: float32 [rows, height, width]; nothing is chosen by them.
        test_labels: int64 [rows].
    """

    train: Tensor
    train_labels: Tensor
    test: Tensor
    test_labels: Tensor

    @property
    def pixels(self) -> int:
        """Pixels of an image."""
        return int(self.train[0].numel())


def load_digits(path: Path | None) -> Digits:
    """Return MNIST from an `.npz` (x_train, y_train, x_test, y_test), or scikit-learn's digits of 8 x 8."""
    if path is not None:
        with np.load(path) as stored:
            arrays = [stored[name] for name in ("x_train", "y_train", "x_test", "y_test")]
        images, labels, test, test_labels = arrays
        return Digits(_images(images, 255), _labels(labels), _images(test, 255), _labels(test_labels))
    from sklearn import datasets

    bunch = datasets.load_digits()
    order = np.random.default_rng(_SEED).permutation(len(bunch.images))
    cut = int(len(order) * _TEST_SHARE)
    images, labels = _images(bunch.images, 16), _labels(bunch.target)
    test, train = torch.from_numpy(order[:cut]), torch.from_numpy(order[cut:])
    return Digits(images[train], labels[train], images[test], labels[test])


def _images(array: np.ndarray, highest: int) -> Tensor:
    return torch.from_numpy(array.astype(np.float32) / highest)


def _labels(array: np.ndarray) -> Tensor:
    return torch.from_numpy(array.astype(np.int64))
