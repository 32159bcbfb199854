"""Checking indices before anything is read or written by them."""

from __future__ import annotations

import numpy as np

from pocketformer.targets.coreml.evaluator.registry import Array


def checked(indices: Array, size: int) -> Array:
    """Return indices into an axis of `size`; those below 0 count from its end.

    Core ML checks only where the program says `validate_indices`, and promises nothing otherwise.

    Raises:
        IndexError: One of them lies outside.
    """
    numbers = np.asarray(indices)
    if numbers.size == 0:
        return numbers
    lowest, highest = int(numbers.min()), int(numbers.max())
    if lowest < -size or highest >= size:
        worst = lowest if lowest < -size else highest
        raise IndexError(f"reaches for index {worst:,} of an axis of {size:,}")
    return np.where(numbers < 0, numbers + np.int64(size), numbers) if lowest < 0 else numbers
