"""The weights that a file stores, and in which format, read from its bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ai_edge_litert import schema_py_generated as schema

from pocketformer.errors import ExportError
from pocketformer.targets.contract import WeightCard
from pocketformer.targets.litert.flatbuffer import TENSOR_TYPE_NAMES
from pocketformer.targets.litert.layouts import HOLDERS

if TYPE_CHECKING:  # a file is described and run without PyTorch
    from pocketformer.plan import Plan, WeightFormat

__all__ = ["require_formats", "weight_cards"]

_Operator = schema.BuiltinOperator
_FLOATS = {"float32": "fp32", "float16": "fp16"}
_SCALE_BYTES, _ZERO_POINT_BYTES = 4, 8


def weight_cards(model: Any, buffers: Sequence[int]) -> tuple[WeightCard, ...]:
    """Return a card for each stored weight, in the order of the file; what several graphs read comes once.

    Layers of equal weights share their bytes, and each has a card.

    Args:
        model: A file, as `schema.Model` reads it in place.
        buffers: The bytes of each of its buffers.
    """
    cards: dict[tuple[str, int], WeightCard] = {}
    for graph, tensor in _held(model):
        name = (tensor.Name() or b"").decode("utf-8", "replace")
        key = name, tensor.Buffer()
        if key not in cards and buffers[tensor.Buffer()]:
            size = buffers[tensor.Buffer()] + _scale_bytes(graph, tensor, buffers)
            cards[key] = WeightCard(name, _format(tensor), size)
    return tuple(cards.values())


def require_formats(model: Any, plan: Plan, planned: Mapping[str, WeightFormat]) -> None:
    """Refuse a file that does not hold what was planned.

    Args:
        model: The file.
        plan: The plan.
        planned: The format that each layer is to be stored in.

    Raises:
        ExportError: A layer, its format and what the file has instead.
    """
    sizes = [buffer.DataLength() for buffer in _each(model.BuffersLength, model.Buffers)]
    found = {card.layer: card.format for card in weight_cards(model, sizes)}
    for layer, wanted in planned.items():
        if found.get(layer) != str(wanted):
            held = found.get(layer, "nothing")
            raise ExportError(
                f"The plan {plan.name!r} has {layer} as {wanted}, and the file that was made holds {held}; "
                "it is not written."
            )


def _held(model: Any) -> Iterator[tuple[Any, Any]]:
    """Go through the stored tensors that operations read as weights, or dequantised."""
    codes = [
        max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        for code in _each(model.OperatorCodesLength, model.OperatorCodes)
    ]
    for graph in _each(model.SubgraphsLength, model.Subgraphs):
        sources: dict[int, int] = {}
        for operator in _each(graph.OperatorsLength, graph.Operators):
            code = codes[operator.OpcodeIndex()]
            if code == _Operator.DEQUANTIZE:
                sources[operator.Outputs(0)] = operator.Inputs(0)
            elif code in HOLDERS and operator.InputsLength() > HOLDERS[code]:
                index = operator.Inputs(HOLDERS[code])
                yield graph, graph.Tensors(sources.get(index, index))


def _format(tensor: Any) -> str:
    kind = TENSOR_TYPE_NAMES[tensor.Type()]
    quantization = tensor.Quantization()
    if kind in _FLOATS or quantization is None:
        return _FLOATS.get(kind, kind)
    if quantization.DetailsType() == schema.QuantizationDetails.BlockwiseQuantization:
        return f"{kind}-b{_blocks(quantization).BlockSize()}"
    axis = quantization.QuantizedDimension()
    rows = tensor.Shape(axis) if axis < tensor.ShapeLength() else 0
    return kind if quantization.ScaleLength() == rows else f"{kind} per tensor"


def _blocks(quantization: Any) -> Any:
    details = schema.BlockwiseQuantization()
    details.Init(quantization.Details().Bytes, quantization.Details().Pos)
    return details


def _scale_bytes(graph: Any, tensor: Any, buffers: Sequence[int]) -> int:
    quantization = tensor.Quantization()
    if quantization is None:
        return 0
    if quantization.DetailsType() == schema.QuantizationDetails.BlockwiseQuantization:
        return int(buffers[graph.Tensors(_blocks(quantization).Scales()).Buffer()])
    scales, zeros = quantization.ScaleLength(), quantization.ZeroPointLength()
    return int(scales * _SCALE_BYTES + zeros * _ZERO_POINT_BYTES)


def _each(length: Callable[[], int], item: Callable[[int], Any]) -> Iterator[Any]:
    return (item(index) for index in range(length()))
