"""Tensors and operations put into a file's object tree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from pocketformer.errors import ExportError
from pocketformer.targets.litert.flatbuffer import opcode

__all__ = ["add_buffer", "add_tensor", "dequantize", "multiply", "readers"]

_Operator = schema.BuiltinOperator
_NO_DATA = 0  # by the schema, the buffer of what is computed
_TYPES = {np.dtype(np.float16): schema.TensorType.FLOAT16, np.dtype(np.float32): schema.TensorType.FLOAT32}
_BIAS = 2  # place among the inputs of FULLY_CONNECTED


def add_buffer(model: Any, content: NDArray[Any]) -> int:
    """Add a constant's bytes and return their number."""
    buffer = schema.BufferT()
    buffer.data = np.ascontiguousarray(content).reshape(-1).view(np.uint8)
    model.buffers.append(buffer)
    return len(model.buffers) - 1


def add_tensor(model: Any, graph: Any, values: NDArray[Any]) -> int:
    """Add a constant of float16 or float32 to a graph and return its index."""
    kind = _TYPES[values.dtype]
    return _add(graph, kind, values.shape, add_buffer(model, values))


def readers(model: Any, graph: Any, tensor: int, builtin: int) -> Iterator[tuple[int, Any]]:
    """Go through the operations of one kind that read a tensor, with their places in the graph."""
    for place, operator in enumerate(graph.operators):
        if opcode(model.operatorCodes[operator.opcodeIndex]) == builtin and tensor in list(operator.inputs):
            yield place, operator


def dequantize(model: Any, graph: Any, tensor: int, builtin: int) -> None:
    """Have the operations of one kind read a constant as float32, by a DEQUANTIZE before the first."""
    shape = graph.tensors[tensor].shape
    made = _add(graph, schema.TensorType.FLOAT32, shape, _NO_DATA)
    places = []
    for place, operator in readers(model, graph, tensor, builtin):
        operator.inputs = np.where(np.asarray(operator.inputs) == tensor, made, operator.inputs)
        places.append(place)
    added = _operator(model, _Operator.DEQUANTIZE, [tensor], [made])
    added.builtinOptionsType = schema.BuiltinOptions.DequantizeOptions
    added.builtinOptions = schema.DequantizeOptionsT()
    graph.operators.insert(min(places), added)


def multiply(model: Any, graph: Any, weights: int, factor: NDArray[np.float32]) -> None:
    """Multiply what FULLY_CONNECTED makes of weights, whose factor the file's weights no longer have.

    Args:
        model: The file.
        graph: One of its graphs.
        weights: Of the operations.
        factor: One number, or one for each output; the biases in the file have it already.

    Raises:
        ExportError: An operation ends in an activation that a factor does not pass through.
    """
    found = list(readers(model, graph, weights, _Operator.FULLY_CONNECTED))
    for place, operator in reversed(found):
        if not _passes(operator.builtinOptions.fusedActivationFunction, factor):
            raise ExportError(
                f"The converter multiplied {graph.tensors[weights].name} by a constant, which blocks cannot "
                "hold. Give the layer a format with one scale per row, such as int4."
            )
        if len(operator.inputs) > _BIAS and operator.inputs[_BIAS] >= 0:
            operator.inputs = np.array(operator.inputs)
            operator.inputs[_BIAS] = _divided(model, graph, int(operator.inputs[_BIAS]), factor)
        output = int(operator.outputs[0])
        made = _add(graph, schema.TensorType.FLOAT32, graph.tensors[output].shape, _NO_DATA)
        operator.outputs = np.array([made], np.int32)
        added = _operator(
            model, _Operator.MUL, [made, add_tensor(model, graph, factor.reshape(-1))], [output]
        )
        added.builtinOptionsType = schema.BuiltinOptions.MulOptions
        added.builtinOptions = schema.MulOptionsT()
        graph.operators.insert(place + 1, added)


def _passes(activation: int, factor: NDArray[np.float32]) -> bool:
    """Whether it is the same to multiply before an activation as behind it."""
    kinds = schema.ActivationFunctionType
    least = {kinds.NONE: np.abs(factor), kinds.RELU: factor}.get(activation)
    return least is not None and bool((least > 0).all())


def _divided(model: Any, graph: Any, bias: int, factor: NDArray[np.float32]) -> int:
    values = np.frombuffer(model.buffers[graph.tensors[bias].buffer].data, np.float32)
    return add_tensor(model, graph, (values / factor).astype(np.float32))


def _add(graph: Any, kind: int, shape: Any, buffer: int) -> int:
    tensor = schema.TensorT()
    tensor.type, tensor.shape, tensor.buffer = kind, np.array(shape, np.int32), buffer
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def _operator(model: Any, builtin: int, inputs: list[int], outputs: list[int]) -> Any:
    code = schema.OperatorCodeT()
    code.builtinCode = builtin
    code.deprecatedBuiltinCode = min(builtin, 127)  # the field is a byte; larger numbers are in the other
    code.version = 1
    model.operatorCodes.append(code)
    operator = schema.OperatorT()
    operator.opcodeIndex = len(model.operatorCodes) - 1
    operator.inputs, operator.outputs = np.array(inputs, np.int32), np.array(outputs, np.int32)
    return operator
