"""The opset a graph needs: each operation is held against the definitions of older opsets."""

from __future__ import annotations

import onnx
import onnx_ir as ir

from pocketformer.errors import ExportError
from pocketformer.targets.onnx.names import layer_of
from pocketformer.targets.onnx.opsets import DEFAULT_OPSET, ir_version_for
from pocketformer.targets.onnx.rewriting import Rewriter

_INTEGERS = (ir.DataType.INT32, ir.DataType.INT64)


def lower(model: ir.Model, limit: int | None) -> None:
    """State the lowest opset that has all operations of a graph, at most `limit`, in place.

    Raises:
        ExportError: An operation needs more than `limit`.
    """
    _replace_integer_clips(model.graph)
    written = model.opset_imports[""]
    opset = min(DEFAULT_OPSET, DEFAULT_OPSET if limit is None else limit)
    for node in model.graph.all_nodes():
        if node.domain not in ("", "ai.onnx"):
            continue
        needed = next((one for one in range(opset, written) if _fits(node, one)), written)
        if limit is not None and needed > limit:
            where = layer_of(node.name or "") or "the graph itself"
            raise ExportError(
                f"Opset {limit} cannot hold this model: {node.op_type} of {where} needs opset {needed}. "
                f"Export with --opset {needed} or without a limit."
            )
        opset = max(opset, needed)
    for node in model.graph.all_nodes():
        _rewrite(node, opset)
    for graph in model.graphs():
        graph.opset_imports[""] = opset
    model.ir_version = ir_version_for(opset)


def _replace_integer_clips(graph: ir.Graph) -> None:
    """Write Max and Min for Clip on integers: ONNX has it from opset 12 on, ONNX Runtime from 1.14 on."""
    rewriter = Rewriter(graph)
    for node in list(graph):
        value, *bounds = node.inputs
        if node.op_type != "Clip" or node.outputs[0].dtype not in _INTEGERS or value is None:
            continue
        rewriter.node = node
        for operation, bound in zip(("Max", "Min"), bounds, strict=False):
            value = value if bound is None else rewriter.add(operation, [value, bound])
        rewriter.replace(value)


def _fits(node: ir.Node, opset: int) -> bool:
    """Whether the definition of a node's operation at an opset covers it, perhaps after a rewriting."""
    schema = _schema(node.op_type, opset)
    if schema is None:
        return False
    inputs = len(node.inputs) - (1 if _has_axes_input(node, schema) else 0)
    if inputs > schema.max_input or len(node.outputs) > schema.max_output:
        return False
    if any(name not in schema.attributes and not _is_default(node, name) for name in node.attributes):
        return False
    return all(
        _takes(schema, place, value.dtype) for place, value in enumerate(node.inputs) if value is not None
    )


def _schema(operation: str, opset: int) -> onnx.defs.OpSchema | None:
    try:
        return onnx.defs.get_schema(operation, opset, "")
    except onnx.defs.SchemaError:
        return None


def _is_default(node: ir.Node, name: str) -> bool:
    """Whether an attribute, which older definitions lack, says what is meant without it."""
    schema = _schema(node.op_type, onnx.defs.onnx_opset_version())
    definition = None if schema is None else schema.attributes.get(name)
    if definition is None or not definition.default_value.name:
        return False
    return bool(onnx.helper.get_attribute_value(definition.default_value) == node.attributes[name].value)


def _takes(schema: onnx.defs.OpSchema, place: int, dtype: ir.DataType | None) -> bool:
    if dtype is None or not schema.inputs:
        return True
    types = schema.inputs[min(place, len(schema.inputs) - 1)].types
    return f"tensor({_type_name(dtype)})" in types


def _type_name(dtype: ir.DataType) -> str:
    return dtype.name.lower()


def _has_axes_input(node: ir.Node, schema: onnx.defs.OpSchema) -> bool:
    """Whether a reduction's axes, an input, can become the attribute that they were before opset 18."""
    return (
        node.op_type.startswith("Reduce")
        and "axes" in schema.attributes
        and len(node.inputs) == 2
        and node.inputs[1] is not None
        and node.inputs[1].const_value is not None
    )


def _rewrite(node: ir.Node, opset: int) -> None:
    schema = _schema(node.op_type, opset) if node.domain in ("", "ai.onnx") else None
    if schema is None:
        return
    if _has_axes_input(node, schema):
        axes = node.inputs[1]
        assert axes is not None
        assert axes.const_value is not None  # seen by `_has_axes_input`
        node.attributes["axes"] = ir.AttrInt64s("axes", axes.const_value.numpy().ravel().tolist())
        node.resize_inputs(1)
    for name in [name for name in node.attributes if name not in schema.attributes]:
        del node.attributes[name]
