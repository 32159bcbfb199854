"""Replacing nodes of a graph one by one, under names that still tell the layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx_ir as ir

from pocketformer.targets.onnx.names import layer_of


class Rewriter:
    """Puts nodes before one node of a graph, its `node`, and others in its place."""

    node: ir.Node

    def __init__(self, graph: ir.Graph) -> None:
        self.graph = graph
        self._taken = {value.name for node in graph for value in node.outputs}

    def add(self, operation: str, inputs: Sequence[ir.Value], name: str = "", **attributes: Any) -> ir.Value:
        """Insert a node before the present one and return its output."""
        node = ir.node(operation, inputs, attributes)
        self.graph.insert_before(self.node, node)
        place = "/".join(filter(None, (layer_of(self.node.name or ""), name or operation)))
        node.name = node.outputs[0].name = self._unused(place)
        return node.outputs[0]

    def constant(self, name: str, content: object, dtype: Any = None) -> ir.Value:
        """Return the stored tensor called `name`; it is stored now unless it is there."""
        if name not in self.graph.initializers:
            tensor = ir.tensor(np.ascontiguousarray(content, dtype=dtype), name=name)
            self.graph.initializers[name] = ir.Value(
                name=name,
                const_value=tensor,
                shape=ir.Shape(tensor.numpy().shape),
                type=ir.TensorType(tensor.dtype),
            )
        return self.graph.initializers[name]

    def replace(self, value: ir.Value) -> None:
        """Let `value` take the place, and the name, of what the node gave."""
        old = self.node.outputs[0]
        name, value.type, value.shape = old.name, old.type, old.shape
        ir.convenience.replace_all_uses_with(old, value, replace_graph_outputs=True)
        self.graph.remove(self.node, safe=True)
        old.name = None
        value.name = name
        producer = value.producer()
        if producer is not None:
            producer.name = name

    def _unused(self, name: str) -> str:
        candidate, number = name, 1
        while candidate in self._taken:
            number += 1
            candidate = f"{name}_{number}"
        self._taken.add(candidate)
        return candidate
