"""What a converted or quantised file still needs before it may be shipped.

ai-edge-quantizer changes the types of weights and leaves the versions of the operations, and the
oldest runtime stated in the file, as they were: an older runtime then returns zeros without an error.
"""

from __future__ import annotations

import copy
from collections.abc import Collection
from typing import Any

from pocketformer.targets.litert.flatbuffer import opcode, set_metadata
from pocketformer.targets.litert.operations import operation_in_tree
from pocketformer.targets.litert.verdict import runtime_verdict

#: The metadata entry in which converters state the oldest runtime: a release in 16 bytes, padded with zeros.
RUNTIME_KEY = "min_runtime_version"


def correct_versions(model: Any) -> None:
    """Set each operation's version to what its tensors ask for, and state the runtime that has it."""
    codes: list[Any] = []
    places: dict[tuple[int, int, bytes | str | None], int] = {}
    for graph in model.subgraphs:
        for operator in graph.operators:
            code = copy.copy(model.operatorCodes[operator.opcodeIndex])
            code.version = operation_in_tree(model, graph, operator).version
            key = (opcode(code), code.version, code.customCode)
            if key not in places:
                places[key] = len(codes)
                codes.append(code)
            operator.opcodeIndex = places[key]
    model.operatorCodes = codes
    _state_oldest_runtime(model)


def drop_tensor_names(model: Any, kept: Collection[str] = ()) -> None:
    """Blank the names of inner tensors but those kept: they are source paths, 5 % of an int8 file."""
    for graph in model.subgraphs:
        outward = {int(index) for index in [*graph.inputs, *graph.outputs]}
        for index, tensor in enumerate(graph.tensors):
            if index not in outward and tensor.name not in kept:
                tensor.name = b""


def _state_oldest_runtime(model: Any) -> None:
    verdict = runtime_verdict(
        operation_in_tree(model, graph, operator) for graph in model.subgraphs for operator in graph.operators
    )
    if verdict.release is not None:
        set_metadata(model, RUNTIME_KEY, verdict.release.encode("ascii").ljust(16, b"\0"))
