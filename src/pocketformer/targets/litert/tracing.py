"""Every float32 value inside a signature, in the order the runtime computes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema


def computed_values(path: Path, subgraph: int) -> list[tuple[int, str]]:
    """Return the computed float32 tensors of a subgraph, by index and name, in the order of its operations.

    What is made of constants alone, such as half-precision weights turned into float32, is not among them:
    it is the same for every input, and the runtime may have packed it away.
    """
    content = np.memmap(path, np.uint8, "r")
    graph = schema.Model.GetRootAs(content, 0).Subgraphs(subgraph)
    depending = {graph.Inputs(place) for place in range(graph.InputsLength())}
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
    return found


def _name(tensor: Any, index: int) -> str:
    return (tensor.Name() or b"").decode("utf-8", "replace") or f"tensor {index}"
