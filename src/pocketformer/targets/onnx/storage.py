"""How the numbers of one weight stand in a file: which tensors, and what they take.

LAYER.weight                float32
LAYER.weight.half           float16
LAYER.weight.int8           int8 [rows, columns…]
LAYER.weight.bits4, .bits2  planes of fewer bits (see `packing`), uint8 [rows, bytes]
LAYER.weight.blocks         int4 or int8 [columns, rows], for a product that reads blocks itself
LAYER.weight.scale          float16 [rows, blocks]; [blocks, rows] beside `blocks`
LAYER.weight.palette        float16 [groups, values]; the planes are places in it
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import ml_dtypes
import numpy as np
import onnx_ir as ir
from torch import Tensor

from pocketformer.errors import ExportError, RecipeError
from pocketformer.plan import Codes, Plan, WeightFormat, encode
from pocketformer.targets.onnx.packing import packed, unpacked
from pocketformer.targets.onnx.rewriting import Rewriter

HALF, INT8, BITS, BLOCKS, SCALE, PALETTE = "half", "int8", "bits", "blocks", "scale", "palette"

_LARGEST_HALF = 65504.0


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """A weight ready to be stored.

    Attributes:
        name: Of its layer, with `.weight`.
        shape: [rows, columns…].
        format: As planned.
        weight: Its numbers.
        codes: The same as codes; None of a float format.
    """

    name: str
    shape: tuple[int, ...]
    format: WeightFormat
    weight: Tensor
    codes: Codes | None

    @property
    def columns(self) -> int:
        """Numbers in a row."""
        return math.prod(self.shape[1:])


def plainest(form: WeightFormat, shape: tuple[int, ...]) -> WeightFormat:
    """Return the plainest format that is stored alike: one block is a row, one group the whole weight."""
    whole = shape[0] if form.kind == "palette" else math.prod(shape[1:])
    return replace(form, size=0) if form.size == whole else form


def coded(layer: str, weight: Tensor, into: WeightFormat, plan: Plan) -> Coded:
    """Return a weight [rows, columns…] as its format stores it.

    Raises:
        ExportError: It does not divide into blocks or groups, or float16 cannot hold it.
    """
    try:
        codes = None if into.kind == "float" else encode(weight, into, clipped=plan.rounding == "clipped")
    except RecipeError as error:
        raise ExportError(f"The layer {layer!r}: {error}") from error
    halves = codes.scales if codes is not None else weight
    if into.bits < 32 and not float(halves.abs().max()) <= _LARGEST_HALF:
        raise ExportError(
            f"The layer {layer!r} holds {float(weight.abs().max()):.4g}, which {into} cannot hold beyond "
            f"float16's {_LARGEST_HALF:,.0f}. Keep it in fp32, or train it again with weight decay."
        )
    return Coded(f"{layer}.weight" if layer else "weight", tuple(weight.shape), into, weight, codes)


def float_weight(rewriter: Rewriter, one: Coded, transposed: bool = False) -> ir.Value:
    """Append what makes float32 [rows, columns…] of a weight that is not stored in float32.

    Args:
        rewriter: At the node that wants it.
        one: The weight.
        transposed: Whether [columns, rows] is wanted.
    """
    if one.codes is None:
        stored = rewriter.constant(f"{one.name}.{HALF}", one.weight.numpy(), np.float16)
        if transposed:  # the halves: the weight is in memory twice while a file loads
            stored = rewriter.add("Transpose", [stored], "halves", perm=[1, 0])
        return rewriter.add("Cast", [stored], "weight", to=ir.DataType.FLOAT)
    numbers = stored_numbers(rewriter, one)
    values = _from_palette(rewriter, one, numbers) if one.format.kind == "palette" else _scaled(rewriter, one)
    shape = rewriter.constant(f"shape/{'_'.join(map(str, one.shape))}", one.shape, np.int64)
    weight = rewriter.add("Reshape", [values, shape], "weight")
    return rewriter.add("Transpose", [weight], "weight", perm=[1, 0]) if transposed else weight


def integer_weight(rewriter: Rewriter, one: Coded) -> ir.Value:
    """Append what makes int8 codes [rows, columns] of an integer weight."""
    if one.format.bits == 8:
        return stored_numbers(rewriter, one)[8]
    return rewriter.add("Cast", [centred(rewriter, one, stored_numbers(rewriter, one))], to=ir.DataType.INT8)


def stored_numbers(rewriter: Rewriter, one: Coded) -> dict[int, ir.Value]:
    """Store the codes of a weight, and return them: int8, or the planes of unsigned numbers."""
    assert one.codes is not None  # of an integer format or a palette
    values = one.codes.values.numpy().reshape(one.shape[0], -1)
    if one.format.kind == "integer" and one.format.bits == 8:
        return {8: rewriter.constant(f"{one.name}.{INT8}", values)}
    if one.format.kind == "integer":
        values = values + np.int8(one.format.highest)
    planes = packed(values.astype(np.uint8), one.format.bits)
    return {width: rewriter.constant(f"{one.name}.{BITS}{width}", plane) for width, plane in planes.items()}


def centred(rewriter: Rewriter, one: Coded, numbers: dict[int, ir.Value], rank: int = 2) -> ir.Value:
    """Append what makes codes of stored numbers, or of rows of them: float32 [..., columns]."""
    if one.format.bits == 8:
        return rewriter.add("Cast", [numbers[8]], "codes", to=ir.DataType.FLOAT)
    unsigned = unpacked(rewriter, numbers, one.columns, rank)
    highest = rewriter.constant(f"bits/highest_{one.format.highest}", one.format.highest, np.float32)
    return rewriter.add("Sub", [unsigned, highest], "codes")


def places(rewriter: Rewriter, one: Coded, numbers: dict[int, ir.Value], rank: int = 2) -> ir.Value:
    """Append what makes places in a palette of stored numbers: int32 [..., columns]."""
    return rewriter.add("Cast", [unpacked(rewriter, numbers, one.columns, rank)], to=ir.DataType.INT32)


def stored_scales(rewriter: Rewriter, one: Coded) -> ir.Value:
    """Store the scales of an integer weight: float16 [rows, blocks]."""
    assert one.codes is not None  # of an integer format
    return rewriter.constant(f"{one.name}.{SCALE}", one.codes.scales.numpy(), np.float16)


def stored_palette(rewriter: Rewriter, one: Coded) -> ir.Value:
    """Store the palette of a weight, float16 [groups, values], and return it as float32."""
    assert one.codes is not None  # of a palette
    stored = rewriter.constant(f"{one.name}.{PALETTE}", one.codes.scales.numpy(), np.float16)
    return rewriter.add("Cast", [stored], to=ir.DataType.FLOAT)


def block_matrix(rewriter: Rewriter, one: Coded) -> ir.Value:
    """Append a DequantizeLinear by blocks, which gives float32 [columns, rows]."""
    assert one.codes is not None  # of an integer format in blocks
    dtype = ml_dtypes.int4 if one.format.bits == 4 else np.int8
    stored = rewriter.constant(f"{one.name}.{BLOCKS}", one.codes.values.numpy().T, dtype)
    halves = rewriter.constant(f"{one.name}.{SCALE}", one.codes.scales.numpy().T, np.float16)
    scales = rewriter.add("Cast", [halves], "scales", to=ir.DataType.FLOAT)
    return rewriter.add("DequantizeLinear", [stored, scales], "weight", axis=0, block_size=one.format.size)


def scaled(rewriter: Rewriter, one: Coded, codes: ir.Value, halves: ir.Value, rank: int = 2) -> ir.Value:
    """Append codes [..., columns] times their scales, float16 [..., blocks]."""
    scales = rewriter.add("Cast", [halves], "scales", to=ir.DataType.FLOAT)
    if not one.format.size:
        return rewriter.add("Mul", [codes, scales])
    kept = [0] * (rank - 1)
    size = one.format.size
    apart = rewriter.constant(f"blocks/{rank}_{size}", [*kept, -1, size], np.int64)
    last = rewriter.constant("blocks/last", [-1], np.int64)
    blocks = rewriter.add("Reshape", [codes, apart], "blocks")
    product = rewriter.add("Mul", [blocks, rewriter.add("Unsqueeze", [scales, last], "scales")])
    return rewriter.add("Reshape", [product, rewriter.constant(f"blocks/{rank}", [*kept, -1], np.int64)])


def _scaled(rewriter: Rewriter, one: Coded) -> ir.Value:
    codes = centred(rewriter, one, stored_numbers(rewriter, one))
    return scaled(rewriter, one, codes, stored_scales(rewriter, one))


def _from_palette(rewriter: Rewriter, one: Coded, numbers: dict[int, ir.Value]) -> ir.Value:
    """Append the values [groups, numbers] of a palette for each group of rows."""
    assert one.codes is not None  # of a palette
    groups = rewriter.constant(f"groups/{len(one.codes.scales)}", [len(one.codes.scales), -1], np.int64)
    grouped = rewriter.add("Reshape", [places(rewriter, one, numbers), groups])
    return rewriter.add("GatherElements", [stored_palette(rewriter, one), grouped], axis=1)
