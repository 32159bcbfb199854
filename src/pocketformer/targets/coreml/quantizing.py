"""Float matrices as small integers and scales."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pocketformer.targets.int4_blocks import clipped_scales, int4_values

_INT8_MAX = 127
_SMALLEST = 1e-12  # of a scale: a row of zeros has one too


def rows_int8(array: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Quantise symmetrically, with a scale for each index of the first axis.

    Args:
        array: [rows, ...].

    Returns:
        int8 of the same shape, and scales [rows].
    """
    matrix = array.reshape(len(array), -1)
    scale = _stored_scale(np.maximum(np.abs(matrix).max(axis=1), _SMALLEST) / _INT8_MAX)
    values: NDArray[np.int8] = np.clip(np.rint(matrix / scale[:, None]), -_INT8_MAX, _INT8_MAX).astype(
        np.int8
    )
    return values.reshape(array.shape), scale


def blocks_int4(matrix: NDArray[np.float32], size: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Quantise symmetrically in blocks of `size` along each row, clipped where the squared error is least.

    Args:
        matrix: [rows, columns]; `size` divides the columns.
        size: Columns in a block.

    Returns:
        Values -8 to 7 as int8 [rows, columns], and scales [rows, columns / size].
    """
    blocks = matrix.reshape(len(matrix), -1, size)
    scale = _stored_scale(clipped_scales(blocks))
    values = int4_values(blocks, scale).astype(np.int8)
    return values.reshape(matrix.shape), scale[..., 0]


def _stored_scale(values: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the float16 numbers that a file will hold, none of them 0: rounding is to what is read back."""
    stored = values.astype(np.float16)
    smallest = np.copysign(np.finfo(np.float16).smallest_subnormal, values).astype(np.float16)
    return np.where(stored == 0, smallest, stored).astype(np.float32)
