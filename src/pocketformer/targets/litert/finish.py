"""What a converted or quantised file still needs before it may be shipped.

ai-edge-quantizer changes the types of weights and leaves the versions of the operations, and the
oldest runtime stated in the file, as they were: an older runtime then returns zeros without an error.
"""

from __future__ import annotations

import copy
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from pocketformer.targets.litert.flatbuffer import get_metadata, opcode, set_metadata

_Operator = schema.BuiltinOperator
_Type = schema.TensorType
_RUNTIME_KEY = "min_runtime_version"

# The releases that brought the operation versions set below. Source: LiteRT, `runtime_version.cc`
# (tflite/tools/versioning).
_FIRST_RELEASE: dict[tuple[int, int], tuple[int, ...]] = {
    (_Operator.FULLY_CONNECTED, 12): (2, 17, 0),
    (_Operator.EMBEDDING_LOOKUP, 4): (2, 18, 0),
    (_Operator.DEQUANTIZE, 3): (1, 15, 0),
    (_Operator.DEQUANTIZE, 5): (2, 7, 0),
}


def correct_versions(model: Any) -> None:
    """Set each operation's version to what its weights now ask for, and state the runtime that has it."""
    codes: list[Any] = []
    places: dict[tuple[int, int, bytes | str | None], int] = {}
    for graph in model.subgraphs:
        for operator in graph.operators:
            code = copy.copy(model.operatorCodes[operator.opcodeIndex])
            code.version = max(code.version, _needed_version(opcode(code), operator, graph))
            key = (opcode(code), code.version, code.customCode)
            if key not in places:
                places[key] = len(codes)
                codes.append(code)
            operator.opcodeIndex = places[key]
    model.operatorCodes = codes
    _raise_oldest_runtime(model)


def drop_tensor_names(model: Any) -> None:
    """Blank the names of inner tensors: they are source paths of the converter, 5 % of an int8 file."""
    for graph in model.subgraphs:
        outward = {int(index) for index in [*graph.inputs, *graph.outputs]}
        for index, tensor in enumerate(graph.tensors):
            if index not in outward:
                tensor.name = b""


def _needed_version(operation: int, operator: Any, graph: Any) -> int:
    """Return the version an operation needs for the type of its weights; 1 where that says nothing."""
    if operation == _Operator.FULLY_CONNECTED:
        activations, weights = graph.tensors[operator.inputs[0]], graph.tensors[operator.inputs[1]]
        if activations.type == _Type.FLOAT32 and weights.type == _Type.INT8:
            return 12 if _is_per_channel(weights) else 3
    if operation == _Operator.EMBEDDING_LOOKUP:
        table = graph.tensors[operator.inputs[1]]
        if table.type == _Type.INT8:
            return 4 if _is_per_channel(table) else 3
    if operation == _Operator.DEQUANTIZE:
        source = graph.tensors[operator.inputs[0]]
        if source.type == _Type.FLOAT16:
            return 3
        return 5 if _is_per_channel(source) else 2
    return 1


def _is_per_channel(tensor: Any) -> bool:
    quantization = tensor.quantization
    return quantization is not None and quantization.scale is not None and len(quantization.scale) > 1


def _raise_oldest_runtime(model: Any) -> None:
    stated = get_metadata(model, _RUNTIME_KEY)
    if stated is None:
        return
    release = tuple(int(part) for part in stated.rstrip(b"\0").decode("ascii").split("."))
    needed = [_FIRST_RELEASE.get((opcode(code), code.version), release) for code in model.operatorCodes]
    text = ".".join(str(part) for part in max([release, *needed]))
    set_metadata(model, _RUNTIME_KEY, text.encode("ascii").ljust(16, b"\0"))
