"""Names inside a file: every value is called after the layer that made it, and nothing else is told."""

from __future__ import annotations

import ast
import re
from collections import Counter

import onnx_ir as ir

_SCOPES = "pkg.torch.onnx.name_scopes"
_NO_MODULE = "_empty_nn_module_stack_from_metadata_hook"
_TABLES = ".tables."


def name_after_modules(model: ir.Model, prefix: str, part: str = "") -> None:
    """Call nodes, values and constants after the modules they come from, in place.

    A value of the layer `encoder.layer.0.output.dense` becomes `encoder.layer.0.output.dense/MatMul`.

    Args:
        model: A graph from torch.onnx, with its remarks about modules.
        prefix: Pattern of what stands before the names that the checkpoint's own modules have.
        part: Put before every name that is not a stored tensor's own.
    """
    graph, counts = model.graph, Counter[str]()
    kept = {id(value) for value in [*graph.inputs, *graph.outputs]}
    for node in graph:
        layer = _layer(node, prefix)
        node.name = _numbered("/".join(filter(None, (part, layer, node.op_type))), counts)
        for place, value in enumerate(node.outputs):
            if id(value) not in kept:
                value.name = node.name if place == 0 else f"{node.name}:{place}"
    _name_constants(graph, prefix, part)
    _forget_remarks(model)


def drop_names_of_nodes(model: ir.Model) -> None:
    """Leave nodes without a name where their value has the same one: a fifth of a graph's bytes."""
    for node in model.graph.all_nodes():
        if node.name == node.outputs[0].name:
            node.name = None


def layer_of(name: str) -> str:
    """Return the layer in the name of a node or value: what stands before its last slash."""
    return name.rpartition("/")[0]


def _name_constants(graph: ir.Graph, prefix: str, part: str) -> None:
    counts = Counter[str]()
    constants = list(graph.initializers.values())
    names = {id(value): value.name or "" for value in constants}
    graph.initializers.clear()
    for value in constants:
        name = names[id(value)]
        if _TABLES in name:  # one copy for all sizes of the tokenizer
            value.name = re.sub(prefix, "", name)
        elif "." in name:
            value.name = "/".join(filter(None, (part, re.sub(prefix, "", name))))
        counts[value.name or ""] += 1
    for value in constants:
        if "." not in names[id(value)]:
            value.name = _numbered(_role(value, part), counts)
        graph.initializers[value.name or ""] = value


def _role(value: ir.Value, part: str) -> str:
    """Name a constant that torch.onnx made after the layer that uses it first."""
    for node, place in value.uses():
        is_weight = node.op_type in ("MatMul", "Gemm") and place == 1
        return f"{layer_of(node.name or '')}.weight" if is_weight else f"{node.name}:constant"
    return f"{part}/constant"


def _layer(node: ir.Node, prefix: str) -> str:
    scopes = ast.literal_eval(node.metadata_props.get(_SCOPES, "[]"))
    return re.sub(prefix, "", scopes[-2]) if len(scopes) > 1 and scopes[-2] != _NO_MODULE else ""


def _numbered(name: str, counts: Counter[str]) -> str:
    counts[name] += 1
    return name if counts[name] == 1 else f"{name}_{counts[name]}"


def _forget_remarks(model: ir.Model) -> None:
    """Drop source paths, stack traces and documentation: half a megabyte that tells who made the file."""
    model.metadata_props.clear()
    model.doc_string = None
    for graph in model.graphs():
        graph.metadata_props.clear()
        graph.doc_string = None
        for value in [*graph.inputs, *graph.outputs, *graph.initializers.values()]:
            _forget_remarks_of(value)
        for node in graph:
            _forget_remarks_of(node)
            for value in node.outputs:
                _forget_remarks_of(value)


def _forget_remarks_of(one: ir.Node | ir.Value) -> None:
    one.metadata_props.clear()
    one.doc_string = None
