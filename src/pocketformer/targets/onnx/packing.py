"""Numbers of few bits in bytes, and the standard operations that take them apart again.

A number of six bits is one of four and one of two: each part, a *plane*, fills whole bytes by itself. The
fields of a byte are columns far apart, `[first half | second half]` for two, so that taking them apart is a
broadcast and a reshape. ONNX Runtime computes what depends on constants alone once, when it loads a file.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from pocketformer.targets.onnx.rewriting import Rewriter

_BYTE = 8
_WIDTHS = (8, 4, 2, 1)  # of planes: those that fill a byte


def plane_widths(bits: int) -> tuple[int, ...]:
    """Return the bits of the planes that numbers of 1 to 8 bits are stored in, the lowest first."""
    found: list[int] = []
    for width in _WIDTHS:
        if width <= bits - sum(found):
            found.append(width)
    return tuple(found)


def packed(numbers: NDArray[np.uint8], bits: int) -> dict[int, NDArray[np.uint8]]:
    """Return the planes of numbers: by the bits of a plane, uint8 [rows, bytes].

    Args:
        numbers: [rows, columns], each less than 2**bits.
        bits: Of a number.
    """
    planes, shift = {}, 0
    for width in plane_widths(bits):
        fields = _BYTE // width
        plane = (numbers >> shift) & (2**width - 1)
        padding = -plane.shape[1] % fields
        plane = np.pad(plane, ((0, 0), (0, padding))).reshape(len(plane), fields, -1)
        shifts = (np.arange(fields, dtype=np.uint8) * width)[:, None]
        planes[width] = np.bitwise_or.reduce(plane << shifts, axis=1).astype(np.uint8)
        shift += width
    return planes


def unpacked(rewriter: Rewriter, planes: dict[int, ir.Value], columns: int, rank: int) -> ir.Value:
    """Append what takes planes apart, and return the numbers, float32 [..., columns].

    Args:
        rewriter: At the node that wants them.
        planes: By the bits of a plane, uint8 [..., bytes], the lowest first.
        columns: Numbers in a row, without what fills the last byte.
        rank: Of the planes.
    """
    total: ir.Value | None = None
    shift = 0
    for width, plane in planes.items():
        fields = _fields(rewriter, plane, width, columns, rank)
        part = rewriter.add("Cast", [fields], "number", to=ir.DataType.FLOAT)
        if total is not None:
            factor = rewriter.constant(f"bits/{2**shift}", 2**shift, np.float32)
            part = rewriter.add("Add", [total, rewriter.add("Mul", [part, factor], "upper")], "number")
        total, shift = part, shift + width
    assert total is not None  # there is a plane at least
    return total


def _fields(rewriter: Rewriter, plane: ir.Value, width: int, columns: int, rank: int) -> ir.Value:
    """Append what gives uint8 [..., columns] of a plane [..., bytes]."""
    fields = _BYTE // width
    if fields == 1:
        return plane
    axis = rewriter.constant("bits/axis", [-2], np.int64)
    spread = rewriter.add("Unsqueeze", [plane, axis], "bits")
    shifts = rewriter.constant(f"bits/shifts_{width}", (np.arange(fields) * width)[:, None], np.uint8)
    shifted = rewriter.add("BitShift", [spread, shifts], "bits", direction="RIGHT")
    size = rewriter.constant(f"bits/size_{width}", 2**width, np.uint8)
    field = rewriter.add("Mod", [shifted, size], "bits")
    flat = rewriter.constant(f"bits/flat_{rank}", [0] * (rank - 1) + [-1], np.int64)
    joined = rewriter.add("Reshape", [field, flat], "bits")
    if columns % fields == 0:
        return joined
    bounds = [rewriter.constant(f"bits/{one}", [one], np.int64) for one in (0, columns, -1)]
    return rewriter.add("Slice", [joined, *bounds], "bits")
