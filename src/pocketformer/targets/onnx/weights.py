"""The weights of a graph in another precision: which there are, and how each is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import onnx_ir as ir

from pocketformer.targets.onnx import float16, int4, int8
from pocketformer.targets.onnx.rewriting import Rewriter

_WEIGHT_PLACES = {"MatMul": 1, "Gemm": 1, "Conv": 1, "Gather": 0}


def compress(model: ir.Model, precision: str) -> None:
    """Store a float32 graph's weights in `precision`, in place; the tokenizer's tables stay as they are.

    fp16: stored in half, computed in float32.
    int8: symmetric per output channel (per row for embeddings); what they are multiplied with is quantised
        per token at run time.
    int4: symmetric in blocks of 32 along the input; embeddings too.

    Raises:
        ExportError: A weight is outside the precision's range.
    """
    if precision == "fp32":
        return
    rewriter = Rewriter(model.graph)
    rewrite = _rewriting(precision, model)
    for node, weight in list(_weights(model.graph)):
        rewriter.node = node
        rewrite(rewriter, weight)
    for name, value in list(model.graph.initializers.items()):
        if not value.uses() and not value.is_graph_input():
            model.graph.initializers.pop(name)


def _rewriting(precision: str, model: ir.Model) -> Callable[[Rewriter, ir.Value], None]:
    if precision == "fp16":
        return float16.rewrite
    activations: dict[ir.Value, int8.Rows] = {}
    if precision == "int8":
        return partial(int8.rewrite, activations=activations)
    model.graph.opset_imports[""] = int4.OPSET
    return partial(int4.rewrite, activations=activations)


def _weights(graph: ir.Graph) -> Iterator[tuple[ir.Node, ir.Value]]:
    """Go through the float32 matrices of the outermost graph: the tokenizer's branches have none."""
    for node in graph:
        place = _WEIGHT_PLACES.get(node.op_type)
        weight = None if place is None else node.inputs[place]
        if weight is None or weight.const_value is None or weight.const_value.dtype != ir.DataType.FLOAT:
            continue
        if len(weight.const_value.shape) > 1:
            yield node, weight
