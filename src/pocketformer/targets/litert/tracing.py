"""Every float32 value inside a signature, in the order the runtime computes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

#: The subgraph of a file without signatures, and the first of any other.
MAIN_SUBGRAPH = 0


def subgraph_of(content: bytes | np.ndarray, signature: str) -> int:
    """Return which subgraph of a file a signature runs; the first where the file has no signatures."""
    model = schema.Model.GetRootAs(content, 0)
    for definition in (model.SignatureDefs(index) for index in range(model.SignatureDefsLength())):
        if definition.SignatureKey() == signature.encode():
            return int(definition.SubgraphIndex())
    return MAIN_SUBGRAPH


def computed_values(path: Path, signature: str) -> tuple[int, list[tuple[int, str]]]:
    """Return a signature's subgraph, and its computed float32 tensors by index and name in order.

    What is made of constants alone, such as half-precision weights turned into float32, is not among them:
    it is the same for every input, and the runtime may have packed it away.
    """
    content = np.memmap(path, np.uint8, "r")
    number = subgraph_of(content, signature)
    graph = schema.Model.GetRootAs(content, 0).Subgraphs(number)
    depending = {int(index) for index in graph.InputsAsNumpy()}
    found: list[tuple[int, str]] = []
    for operator in (graph.Operators(place) for place in range(graph.OperatorsLength())):
        inputs = {operator.Inputs(place) for place in range(operator.InputsLength())}
        if not inputs & depending:
            continue
        for index in (operator.Outputs(place) for place in range(operator.OutputsLength())):
            depending.add(index)
            tensor = graph.Tensors(index)
            if tensor.Type() == schema.TensorType.FLOAT32:
                found.append((index, _name(tensor, index)))
    return number, found


def _name(tensor: Any, index: int) -> str:
    return (tensor.Name() or b"").decode("utf-8", "replace") or f"tensor {index}"
