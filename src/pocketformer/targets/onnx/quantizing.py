"""Float32 matrices as small integers and scales."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pocketformer.targets.int4_blocks import clipped_scales, int4_values

_INT8_MAX = 127
_SMALLEST = 1e-12  # of a scale: a row of zeros has one too


def rows_int8(matrix: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Quantise symmetrically per row.

    Args:
        matrix: [rows, size].

    Returns:
        int8 [rows, size] and scales [rows, 1].
    """
    scale = np.maximum(np.abs(matrix).max(axis=1, keepdims=True), _SMALLEST) / _INT8_MAX
    return _rounded(matrix, scale), scale.astype(np.float32)


def columns_int8(matrix: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Quantise symmetrically per column, so that two neighbours of a column never sum to more than 127.

    Processors without int8 dot products (x86 before VNNI) multiply a uint8 activation by an int8 weight and
    add two such products in 16 saturating bits (VPMADDUBSW). 255 · 127 fits there and 255 · 2 · 127 does not:
    a file with unbounded weights would be silently wrong on them. Weights of one sign seldom meet at their
    largest, so this costs far less than the whole bit of ONNX Runtime's `reduce_range`.

    Args:
        matrix: [inputs, outputs].

    Returns:
        int8 [inputs, outputs] and scales [outputs].
    """
    padded = np.concatenate([matrix, np.zeros((len(matrix) % 2, matrix.shape[1]), matrix.dtype)])
    pairs = padded.reshape(-1, 2, matrix.shape[1])
    upward = np.maximum(pairs, 0).sum(axis=1).max(axis=0)
    downward = np.maximum(-pairs, 0).sum(axis=1).max(axis=0)
    # Rounding may add half a step to each of the two.
    scale = np.maximum(np.maximum(upward, downward), _SMALLEST) / (_INT8_MAX - 1)
    single = np.maximum(np.abs(matrix).max(axis=0), _SMALLEST) / _INT8_MAX
    scale = np.maximum(scale, single)
    return _rounded(matrix, scale), scale.astype(np.float32)


def blocks_int4(matrix: NDArray[np.float32], size: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Quantise symmetrically in blocks of `size` along each row, clipped where the squared error is least.

    Args:
        matrix: [rows, columns]; `size` divides the columns.
        size: Columns in a block.

    Returns:
        Values -8 to 7 as int8 [rows, columns], and scales [rows, columns / size].
    """
    blocks = matrix.reshape(len(matrix), -1, size)
    scale = clipped_scales(blocks)
    values = int4_values(blocks, scale).astype(np.int8)
    return values.reshape(matrix.shape), scale[..., 0].astype(np.float32)


def _rounded(matrix: NDArray[np.float32], scale: NDArray[np.float32]) -> NDArray[np.int8]:
    values: NDArray[np.int8] = np.clip(np.rint(matrix / scale), -_INT8_MAX, _INT8_MAX).astype(np.int8)
    return values
