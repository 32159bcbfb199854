"""Compressed constants: the `constexpr_...` operations of iOS 16, and those of iOS 18.

The two releases gave different parameters to the same names. Numbers come in the dtype they are stored in,
and the result is rounded as coremltools' own decompression rounds it, to the bit.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pocketformer.targets.coreml.evaluator.operations.quantization import placed
from pocketformer.targets.coreml.evaluator.registry import Array, Ints, operation
from pocketformer.targets.coreml.weights import unpack


@operation("constexpr_cast", raw=True)
def constexpr_cast(source_val: Array, output_dtype: str) -> Array:
    """Return float16 numbers as float32."""
    return np.asarray(source_val, {"fp16": np.float16, "fp32": np.float32}[output_dtype])


@operation("constexpr_affine_dequantize", raw=True)
def affine_dequantize(quantized_data: Array, zero_point: Array, scale: Array, axis: int) -> Array:
    """Return (data - zero point) scale, per tensor or along `axis`."""
    rank = quantized_data.ndim
    steps = quantized_data.astype(np.float32) - placed(zero_point, rank, axis)
    return np.asarray(steps * placed(scale, rank, axis), scale.dtype)


@operation("constexpr_blockwise_shift_scale", raw=True)
def blockwise_shift_scale(data: Array, scale: Array, offset: Array | None = None) -> Array:
    """Return (data - offset) scale, with one offset and scale per block of `data.shape / scale.shape`."""
    steps = data.astype(np.float32)
    if offset is not None:
        # A whole offset leaves whole steps; any other is rounded before it is scaled.
        steps = (steps - _per_block(offset, data.shape)).astype(scale.dtype).astype(np.float32)
    return np.asarray(steps * _per_block(scale, data.shape), scale.dtype)


@operation("constexpr_lut_to_dense", raw=True)
def lut_to_dense(
    indices: Array, lut: Array, shape: Ints | None = None, vector_axis: int | None = None
) -> Array:
    """Return the palette's entries that the indices name.

    iOS 16: one palette, indices packed into bytes, and a shape. iOS 18: palettes
    `[blocks..., entries, vector]`, and an entry of several numbers lies along `vector_axis`.
    """
    if shape is None:
        return _entries(indices, lut, vector_axis)
    bits = round(math.log2(lut.size))
    return np.reshape(lut[unpack(indices.tobytes(), bits, math.prod(shape))], shape)


@operation("constexpr_sparse_to_dense", raw=True)
def sparse_to_dense(nonzero_data: Array, mask: Array, shape: Ints | None = None) -> Array:
    """Return the numbers where the mask is set, and 0 elsewhere. iOS 16 packs the mask and gives a shape."""
    if shape is not None:
        mask = unpack(mask.tobytes(), 1, math.prod(shape)).reshape(shape)
    dense = np.zeros(mask.shape, nonzero_data.dtype)
    dense[mask != 0] = nonzero_data
    return dense


@operation("constexpr_lut_to_sparse", raw=True)
def lut_to_sparse(
    indices_mask: Array, indices_nonzero_data: Array, lut: Array, vector_axis: int | None = None
) -> tuple[Array, Array]:
    """Return a mask, and the palette's entries where it is set."""
    dense = _entries(sparse_to_dense(indices_nonzero_data, indices_mask), lut, vector_axis)
    mask = indices_mask
    if vector_axis is not None:
        mask = np.repeat(mask, lut.shape[-1], vector_axis)
    return mask, dense[mask != 0]


@operation("constexpr_sparse_blockwise_shift_scale", raw=True)
def sparse_blockwise_shift_scale(
    data_mask: Array, nonzero_data: Array, scale: Array, offset: Array | None = None
) -> tuple[Array, Array]:
    """Return a mask, and (data - offset) scale where it is set."""
    dense = blockwise_shift_scale(sparse_to_dense(nonzero_data, data_mask), scale, offset)
    return data_mask, dense[data_mask != 0]


def _per_block(parameter: Array, shape: tuple[int, ...]) -> Array:
    """Return a parameter of blocks as float32 in the full shape."""
    full = parameter.astype(np.float32)
    for axis, size in enumerate(shape):
        full = np.repeat(full, size // full.shape[axis], axis)
    return full


def _entries(indices: Array, lut: Array, vector_axis: int | None) -> Array:
    palette: Any = np.zeros((1,) * indices.ndim, np.int64)
    for axis, size in enumerate(indices.shape):
        group = np.arange(size) // (size // lut.shape[axis])
        palette = palette * lut.shape[axis] + group.reshape(
            [-1 if one == axis else 1 for one in range(indices.ndim)]
        )
    entries: Array = lut.reshape(-1, *lut.shape[-2:])[palette, indices]
    if vector_axis is None:
        return entries[..., 0]
    along = vector_axis % indices.ndim
    shape = list(indices.shape)
    shape[along] *= lut.shape[-1]
    return np.moveaxis(entries, -1, along + 1).reshape(shape)
