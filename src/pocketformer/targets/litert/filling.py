"""The weights of a program written into its converted file, each as a plan has it.

The codes are the plan's own (`plan.encode`), so that the file holds the very numbers that PyTorch computes
with where the weights lie on the plan's grid. A factor that the converter multiplied into a weight goes into
the scales of its rows, which are float32; the scales of blocks have eight significant bits, and there the
product is multiplied instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from pocketformer.errors import ExportError
from pocketformer.plan import Plan, PlannedLayer, WeightFormat, decode, encode
from pocketformer.targets.litert.flatbuffer import BUILTIN_NAMES
from pocketformer.targets.litert.inserting import add_buffer, add_tensor, dequantize, multiply, readers
from pocketformer.targets.litert.layouts import laid_out, row_axis
from pocketformer.targets.litert.places import Place, Site
from pocketformer.targets.litert.storage import reads_stored, stored_format

__all__ = ["fill", "packed"]

_Operator = schema.BuiltinOperator
_TYPES = {8: schema.TensorType.INT8, 4: schema.TensorType.INT4, 2: schema.TensorType.INT2}
_SMALLEST_SCALE = np.finfo(np.float32).tiny  # runtimes refuse a scale of zero
_NO_ZERO_POINTS = -1


@dataclass(frozen=True, slots=True, eq=False)
class _Numbers:
    """A weight as a file has it.

    Attributes:
        format: That of the file.
        values: The numbers, float32, float16 or int8 codes, of the weight's own shape.
        scales: float32 `[rows, blocks]`; None of floats.
        factor: What the product is yet to be multiplied by, one number or one for each row; None for 1.
    """

    format: WeightFormat
    values: NDArray[Any]
    scales: NDArray[np.float32] | None = None
    factor: NDArray[np.float32] | None = None


def fill(model: Any, places: Sequence[Place], plan: Plan) -> dict[str, WeightFormat]:
    """Write weights into a converted file's object tree, `schema.ModelT`, in place.

    Args:
        model: As read from `Converted.path`.
        places: Of the weights, which the program has now.
        plan: One that LiteRT can store (`storage.unrealizable_layers`).

    Returns:
        The format that each layer is stored in, by its name.

    Raises:
        ExportError: The converter changed a weight so that it cannot be stored as planned.
    """
    stored = {}
    for place in places:
        numbers = _numbers(place, plan)
        stored[place.weight.name] = numbers.format
        buffers: dict[int, int] = {}
        for site in place.sites:
            if site.operator not in buffers:
                buffers[site.operator] = add_buffer(model, _content(numbers, place, model, site))
            _store(model, site, numbers, buffers[site.operator], place.weight.name)
            _adapt_readers(model, site, numbers, plan)
    return stored


def packed(codes: NDArray[np.int8], bits: int) -> NDArray[np.uint8]:
    """Return codes as bytes, the first in the lowest bits."""
    flat = codes.reshape(-1).view(np.uint8)
    count = 8 // bits
    if count == 1:
        return flat
    rows = np.concatenate([flat, np.zeros(-len(flat) % count, np.uint8)]).reshape(-1, count)
    shifted = (rows & (2**bits - 1)) << (np.arange(count, dtype=np.uint8) * bits)
    joined: NDArray[np.uint8] = np.bitwise_or.reduce(shifted, axis=1)
    return joined


def _numbers(place: Place, plan: Plan) -> _Numbers:
    one = place.weight
    shape = tuple(one.weight.shape)
    layer = PlannedLayer(one.name, one.kind, shape, plan.format_of(one.name, shape, one.kind == "embedding"))
    stored = stored_format(layer, plan.activations)
    assert stored is not None  # `unrealizable` has said so before
    weight = one.weight.detach()
    if stored.kind == "float":
        values = weight.numpy() if (place.factor == 1).all() else weight.numpy() * _per_row(place, len(shape))
        return _Numbers(stored, values if stored.bits == 32 else values.astype(np.float16))
    codes = encode(weight, layer.format)
    if plan.rounding != "nearest" and not torch.equal(decode(codes), weight):  # not on the grid yet
        codes = encode(weight, layer.format, clipped=True)
    values, scales = codes.values.numpy().reshape(shape), codes.scales.numpy()
    if stored.size:
        return _Numbers(stored, values, scales, None if (place.factor == 1).all() else place.factor)
    values = values * np.sign(_per_row(place, len(shape))).astype(np.int8)  # scales are positive
    scales = np.maximum(scales * np.abs(place.factor).reshape(-1, 1), _SMALLEST_SCALE)
    return _Numbers(stored, values, scales.astype(np.float32))


def _per_row(place: Place, dimensions: int) -> NDArray[np.float32]:
    return place.factor.reshape(-1, *[1] * (dimensions - 1))


def _content(numbers: _Numbers, place: Place, model: Any, site: Site) -> NDArray[np.uint8]:
    """Return the bytes of a weight as an operation reads it."""
    shape = tuple(int(size) for size in model.subgraphs[site.graph].tensors[site.tensor].shape)
    values = laid_out(numbers.values, site.operator, shape)
    if values is None:
        raise ExportError(
            f"The converter gave {place.weight.name} the sizes {list(shape)} instead of "
            f"{list(numbers.values.shape)}, which cannot be filled in."
        )
    if numbers.scales is not None:
        return packed(values, numbers.format.bits)
    return np.ascontiguousarray(values).reshape(-1).view(np.uint8)


def _store(model: Any, site: Site, numbers: _Numbers, buffer: int, name: str) -> None:
    graph = model.subgraphs[site.graph]
    tensor = graph.tensors[site.tensor]
    tensor.buffer, tensor.name = buffer, name
    if numbers.scales is None:
        tensor.type = schema.TensorType.FLOAT16 if numbers.format.bits == 16 else schema.TensorType.FLOAT32
        return
    tensor.type = _TYPES[numbers.format.bits]
    tensor.quantization = quantization = schema.QuantizationParametersT()
    if not numbers.format.size:
        quantization.scale = numbers.scales.reshape(-1)
        quantization.zeroPoint = np.zeros(len(numbers.scales), np.int64)
        quantization.quantizedDimension = row_axis(site.operator)
        return
    details = schema.BlockwiseQuantizationT()
    details.scales = add_tensor(model, graph, numbers.scales.astype(np.float16))
    details.zeroPoints, details.blockSize = _NO_ZERO_POINTS, numbers.format.size
    quantization.detailsType = schema.QuantizationDetails.BlockwiseQuantization
    quantization.details = details


def _adapt_readers(model: Any, site: Site, numbers: _Numbers, plan: Plan) -> None:
    """Have the operations of one kind read a weight as it is stored."""
    graph = model.subgraphs[site.graph]
    if not reads_stored(BUILTIN_NAMES[site.operator], numbers.format, plan.activations):
        dequantize(model, graph, site.tensor, site.operator)
        return
    if site.operator == _Operator.FULLY_CONNECTED and numbers.scales is not None and len(numbers.scales) > 1:
        for _, operator in readers(model, graph, site.tensor, site.operator):
            operator.builtinOptions.asymmetricQuantizeInputs = True
    if numbers.factor is not None:
        multiply(model, graph, site.tensor, numbers.factor)
