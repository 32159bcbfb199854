"""Crossing from numpy to torch and back, over the same memory."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from pocketformer.targets.coreml.evaluator.registry import Array


def tensor(array: Array) -> Tensor:
    """Return a tensor over an array's memory. Operations give no array with a negative stride."""
    return torch.from_numpy(np.asarray(array))


def optional_tensor(array: Array | None) -> Tensor | None:
    """Return a tensor over an array's memory, or None."""
    return None if array is None else tensor(array)


def array_of(result: Tensor) -> Array:
    """Return an array over a tensor's memory."""
    array: Array = result.numpy()
    return array
