"""Compressed constants: the operations that expand them when Core ML loads a package."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from coremltools.converters.mil import Builder as mb  # noqa: N813  # coremltools' own short name
from coremltools.converters.mil._deployment_compatibility import AvailableTarget
from coremltools.converters.mil.mil import Function, Program, types

from pocketformer.plan.palettes import palettes
from pocketformer.targets.coreml.constants import Constants
from pocketformer.targets.coreml.messages import MessageMaker
from pocketformer.targets.coreml.quantizing import blocks_int4, rows_int8
from pocketformer.targets.coreml.releases import FUNCTIONS_IOS, Release

_BLOCK = 32  # columns that share a scale
_GROUP = 16  # output channels that share a palette
_PALETTE = 16  # values in it


def expansion_of(constants: Constants, number: int, precision: str, release: Release, embedding: bool) -> Any:
    """Return the `Operation` message that expands to one constant of a store; its names stand for nothing.

    The compressed parts go into the store.

    Args:
        constants: The store.
        number: Of the constant, [rows, ...] of float16 or float32.
        precision: "int8", "int4" or "palette4".
        release: Whose operations may be used.
        embedding: Whether the constant is a table that rows are read from.
    """
    stored = constants[number]
    array = stored.astype(np.float32)
    modern = release.ios >= FUNCTIONS_IOS
    if precision == "palette4":
        build = _palette(array, stored.dtype, modern, 1 if embedding or not modern else _groups(len(array)))
    elif precision == "int4" and array.ndim == 2 and array.shape[1] % _BLOCK == 0:
        build = _int4(array, stored.dtype)
    else:
        build = _int8(array, stored.dtype, modern)
    return _message(build, release, constants)


def _int8(array: np.ndarray, dtype: np.dtype[Any], modern: bool) -> Callable[[], Any]:
    values, scales = rows_int8(array)
    scales = scales.astype(dtype)
    if modern:
        wide = scales.reshape(-1, *[1] * (array.ndim - 1))
        return lambda: mb.constexpr_blockwise_shift_scale(data=values, scale=wide)
    return lambda: mb.constexpr_affine_dequantize(
        quantized_data=values, zero_point=np.int8(0), scale=scales, axis=np.int32(0)
    )


def _int4(array: np.ndarray, dtype: np.dtype[Any]) -> Callable[[], Any]:
    values, scales = blocks_int4(array, _BLOCK)
    narrow = values.astype(types.np_int4_dtype)
    return lambda: mb.constexpr_blockwise_shift_scale(data=narrow, scale=scales.astype(dtype))


def _palette(array: np.ndarray, dtype: np.dtype[Any], modern: bool, groups: int) -> Callable[[], Any]:
    places, values = palettes(array, groups, _PALETTE)
    values = values.astype(dtype)
    if modern:
        lut = values.reshape(groups, *[1] * (array.ndim - 1), _PALETTE, 1)
        return lambda: mb.constexpr_lut_to_dense(indices=places.astype(types.np_uint4_dtype), lut=lut)
    flat = places.reshape(-1)
    pairs = np.concatenate([flat, np.zeros(len(flat) % 2, np.uint8)]).reshape(-1, 2)
    packed = (pairs[:, 0] | (pairs[:, 1] << 4)).astype(np.uint8)
    shape = np.array(array.shape, np.uint32)
    return lambda: mb.constexpr_lut_to_dense(indices=packed, lut=values[0], shape=shape)


def _groups(rows: int) -> int:
    return rows // _GROUP if rows % _GROUP == 0 else 1


def _message(build: Callable[[], Any], release: Release, constants: Constants) -> Any:
    program = Program()
    with Function({}, AvailableTarget(release.specification)) as function:
        function.set_outputs([build()])
    program.add_function("main", function)
    operation = next(one for one in function.operations if one.op_type.startswith("constexpr_"))
    return MessageMaker(program, release, constants).translate_constexpr(operation)
