"""Compressed constants: the operations that expand them when Core ML loads a package."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from coremltools.converters.mil import Builder as mb  # noqa: N813  # coremltools' own short name
from coremltools.converters.mil._deployment_compatibility import AvailableTarget
from coremltools.converters.mil.mil import Function, Program, types
from numpy.typing import NDArray

from pocketformer.plan import Codes
from pocketformer.targets.coreml.constants import Constants
from pocketformer.targets.coreml.messages import MessageMaker
from pocketformer.targets.coreml.releases import FUNCTIONS_IOS, Release
from pocketformer.targets.coreml.storage import block_axis, index_bits, whole
from pocketformer.targets.coreml.weights import pack

_NATIVE_BITS = {4: types.np_int4_dtype, 7: np.dtype(np.int8), 8: np.dtype(np.int8)}
_INDEX_DTYPES = {
    1: types.np_uint1_dtype, 2: types.np_uint2_dtype, 3: types.np_uint3_dtype, 4: types.np_uint4_dtype,
    6: types.np_uint6_dtype, 8: np.dtype(np.uint8),
}  # fmt: skip


def expansion_of(codes: Codes, dtype: np.dtype[Any], release: Release, constants: Constants) -> list[Any]:
    """Return the `Operation` messages that expand to a weight, the last of which gives it.

    Args:
        codes: The weight, [rows, ...].
        dtype: float16 or float32, of its arithmetic.
        release: Whose operations may be used.
        constants: The store that the compressed parts go into.
    """
    if codes.format.kind == "palette":
        build = _palette(codes, dtype, release)
    elif codes.format.bits in _NATIVE_BITS:
        build = _integers(codes, dtype, release)
    else:
        build = _tabled_integers(codes, dtype)
    return _messages(build, release, constants)


def widened(array: NDArray[np.float16], release: Release, constants: Constants) -> list[Any]:
    """Return the `Operation` message that expands float16 numbers to float32."""
    return _messages(lambda: mb.constexpr_cast(source_val=array, output_dtype="fp32"), release, constants)


def _integers(codes: Codes, dtype: np.dtype[Any], release: Release) -> Callable[[], Any]:
    values = codes.values.numpy().reshape(codes.shape)
    if release.ios >= FUNCTIONS_IOS:
        narrow, scale = values.astype(_NATIVE_BITS[codes.format.bits]), _scales(codes, dtype)
        return lambda: mb.constexpr_blockwise_shift_scale(data=narrow, scale=scale)
    scales = codes.scales[:, 0].numpy().astype(dtype)
    return lambda: mb.constexpr_affine_dequantize(
        quantized_data=values, zero_point=np.int8(0), scale=scales, axis=np.int32(0)
    )


def _tabled_integers(codes: Codes, dtype: np.dtype[Any]) -> Callable[[], Any]:
    """Return what expands places in a table of codes, and scales them."""
    bits = index_bits(codes.format.bits)
    highest = codes.format.highest
    places = (codes.values.numpy() + highest).reshape(codes.shape).astype(_INDEX_DTYPES[bits])
    table = np.minimum(np.arange(2**bits) - highest, highest).astype(dtype)
    lut = table.reshape(*[1] * len(codes.shape), -1, 1)
    scale = _scales(codes, dtype)
    return lambda: mb.constexpr_blockwise_shift_scale(
        data=mb.constexpr_lut_to_dense(indices=places, lut=lut), scale=scale
    )


def _scales(codes: Codes, dtype: np.dtype[Any]) -> NDArray[np.floating]:
    """Return scales as Core ML divides a weight: [rows, blocks, 1...]."""
    rows, columns, *kernel = codes.shape if len(codes.shape) > 1 else (*codes.shape, 1)
    form = whole(codes.format, codes.shape)
    channels = block_axis(form, codes.shape) if form.size else columns
    assert channels is not None  # `unstorable` refused it
    return codes.scales.numpy().astype(dtype).reshape(rows, columns // channels, *[1] * len(kernel))


def _palette(codes: Codes, dtype: np.dtype[Any], release: Release) -> Callable[[], Any]:
    places = codes.values.numpy().reshape(codes.shape)
    tables = codes.scales.numpy().astype(dtype)
    if release.ios >= FUNCTIONS_IOS:
        narrow = places.astype(_INDEX_DTYPES[codes.format.bits])
        lut = tables.reshape(len(tables), *[1] * (len(codes.shape) - 1), -1, 1)
        return lambda: mb.constexpr_lut_to_dense(indices=narrow, lut=lut)
    bits = 4 if codes.format.bits == 3 else codes.format.bits
    table = np.pad(tables[0], (0, 2**bits - len(tables[0])), mode="edge")
    packed, shape = pack(places, bits), np.array(codes.shape, np.uint32)
    return lambda: mb.constexpr_lut_to_dense(indices=packed, lut=table, shape=shape)


def _messages(build: Callable[[], Any], release: Release, constants: Constants) -> list[Any]:
    program = Program()
    with Function({}, AvailableTarget(release.specification)) as function:
        function.set_outputs([build()])
    program.add_function("main", function)
    made = [one for one in function.operations if one.op_type.startswith("constexpr_")]
    maker = MessageMaker(program, release, constants)
    return [maker.translate_constexpr(one) for one in made]
