"""Scales for int4 weights in blocks: the one rule, whatever format stores them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

INT4_MIN, INT4_MAX = -8, 7

_SMALLEST = 1e-12  # of a scale: a block of zeros has one too
_CLIPPINGS = np.linspace(0.6, 1.0, 17, dtype=np.float32)  # shares of a block's range that are tried


def clipped_scales(blocks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the scale of each block, clipped where the squared error is least.

    Args:
        blocks: [rows, blocks, size].

    Returns:
        [rows, blocks, 1]; of either sign, as the largest magnitude goes to -8, the end that reaches further.
    """
    index = np.abs(blocks).argmax(axis=2, keepdims=True)
    full = np.take_along_axis(blocks, index, axis=2) / INT4_MIN
    full = np.where(np.abs(full) < _SMALLEST, _SMALLEST, full)
    best_error = np.full(full.shape, np.inf, np.float32)
    best_scale: NDArray[np.float32] = full.astype(np.float32)
    for share in _CLIPPINGS:
        scale = full * share
        error = ((int4_values(blocks, scale) * scale - blocks) ** 2).sum(axis=2, keepdims=True)
        better = error < best_error
        best_error = np.where(better, error, best_error)
        best_scale = np.where(better, scale, best_scale).astype(np.float32)
    return best_scale


def int4_values(blocks: NDArray[np.float32], scales: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the nearest values -8 to 7 of blocks [rows, blocks, size] at scales [rows, blocks, 1]."""
    values: NDArray[np.float32] = np.clip(np.rint(blocks / scales), INT4_MIN, INT4_MAX)
    return values
