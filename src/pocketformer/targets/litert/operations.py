"""The operations of a file as the rules about versions see them, in the flatbuffer or its object tree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from pocketformer.targets.litert.flatbuffer import BUILTIN_NAMES, TENSOR_TYPE_NAMES, opcode
from pocketformer.targets.litert.versions import Operand, needed_version

_CUSTOM = schema.BuiltinOperator.CUSTOM
_BLOCKWISE = schema.QuantizationDetails.BlockwiseQuantization


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: the version that the file states, and the one that its tensors ask for.

    Attributes:
        name: The schema's name, or a custom operation's own.
        stated: The version in the file.
        needed: The version by `versions.needed_version`.
        builtin: Whether it is none of the custom ones.
    """

    name: str
    stated: int
    needed: int
    builtin: bool = True

    @property
    def version(self) -> int:
        """The version that a runtime must have."""
        return max(self.stated, self.needed)


def operations_of(model: Any) -> Iterator[Operation]:
    """Go through the operations of a file, as `schema.Model` reads it in place."""
    codes = [model.OperatorCodes(index) for index in range(model.OperatorCodesLength())]
    for graph in (model.Subgraphs(index) for index in range(model.SubgraphsLength())):
        operands = [_operand(graph.Tensors(index)) for index in range(graph.TensorsLength())]
        for operator in (graph.Operators(index) for index in range(graph.OperatorsLength())):
            code = codes[operator.OpcodeIndex()]
            number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
            if number == _CUSTOM:
                name = (code.CustomCode() or b"CUSTOM").decode("utf-8", "replace")
                yield Operation(name, code.Version(), 1, builtin=False)
                continue
            inputs = [operator.Inputs(place) for place in range(operator.InputsLength())]
            outputs = [operator.Outputs(place) for place in range(operator.OutputsLength())]
            name = BUILTIN_NAMES.get(number, str(number))
            needed = needed_version(name, _chosen(operands, inputs), _chosen(operands, outputs))
            yield Operation(name, code.Version(), needed)


def operation_in_tree(model: Any, graph: Any, operator: Any) -> Operation:
    """Return one operation of a file's object tree, `schema.ModelT`."""
    code = model.operatorCodes[operator.opcodeIndex]
    if opcode(code) == _CUSTOM:
        custom = code.customCode or b"CUSTOM"
        return Operation(
            custom if isinstance(custom, str) else custom.decode(), code.version, 1, builtin=False
        )
    name = BUILTIN_NAMES.get(opcode(code), str(opcode(code)))
    inputs = [_operand_in_tree(graph, index) for index in operator.inputs]
    outputs = [_operand_in_tree(graph, index) for index in operator.outputs]
    return Operation(name, code.version, needed_version(name, inputs, outputs))


def _chosen(operands: list[Operand], places: list[int]) -> list[Operand | None]:
    return [operands[place] if place >= 0 else None for place in places]


def _operand(tensor: Any) -> Operand:
    shape = tuple(int(tensor.Shape(axis)) for axis in range(tensor.ShapeLength()))
    quantization = tensor.Quantization()
    if quantization is None:
        return Operand(TENSOR_TYPE_NAMES[tensor.Type()], shape)
    blockwise = quantization.DetailsType() == _BLOCKWISE
    return Operand(TENSOR_TYPE_NAMES[tensor.Type()], shape, quantization.ScaleLength(), blockwise)


def _operand_in_tree(graph: Any, index: int) -> Operand | None:
    if index < 0:
        return None
    tensor = graph.tensors[index]
    shape = () if tensor.shape is None else tuple(int(size) for size in tensor.shape)
    quantization = tensor.quantization
    if quantization is None:
        return Operand(TENSOR_TYPE_NAMES[tensor.type], shape)
    scales = 0 if quantization.scale is None else len(quantization.scale)
    blockwise = quantization.detailsType == _BLOCKWISE
    return Operand(TENSOR_TYPE_NAMES[tensor.type], shape, scales, blockwise)
