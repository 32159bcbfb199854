"""An ONNX file that somebody gave: its weights in another precision, and which tables it looks up."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import onnx_ir as ir
from onnx import version_converter
from onnx_ir.passes.common import LiftConstantsToInitializersPass

from pocketformer.errors import ExportError
from pocketformer.plan import Plan
from pocketformer.quiet import without_chatter
from pocketformer.targets.checking import require_float32
from pocketformer.targets.onnx.card import read_card
from pocketformer.targets.onnx.lowering import lower
from pocketformer.targets.onnx.opsets import EXPORTED_OPSET, METADATA_KEY
from pocketformer.targets.onnx.owners import owners_of_file
from pocketformer.targets.onnx.weights import compress
from pocketformer.targets.onnx.writing import write_model

_PASSED_ON = {
    "Cast", "Clip", "Flatten", "Identity", "Max", "Min", "Reshape", "Slice", "Squeeze", "Transpose",
    "Unsqueeze",
}  # fmt: skip


def rewrite(source: Path, plan: Plan, path: Path) -> None:
    """Write a float32 file with its weights as planned (see `onnx.rewrite`)."""
    card = read_card(source)
    require_float32(card)
    model = _read(source)
    with without_chatter():
        LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(model)
        compress(model, plan, owners_of_file(model.graph))
        lower(model, None)
    metadata = {
        "kind": "module",
        **card.metadata,
        "precision": plan.name,
        "plan": plan.model_dump(mode="json"),
    }
    model.metadata_props[METADATA_KEY] = json.dumps(metadata, ensure_ascii=False, sort_keys=True)
    write_model(model, path)


def looked_up(path: Path) -> dict[str, dict[str, int]]:
    """Return for each signature the integer inputs that are places in a table, and its rows.

    Raises:
        FileFormatError: There is no such file, or it is no complete ONNX file.
    """
    card = read_card(path)
    graph = onnx.load(path, load_external_data=False).graph
    origin = {value.name: value.name.removeprefix("given_") for value in graph.input}
    tables = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    rows: dict[str, int] = {}
    for node in graph.node:
        known = next((origin[one] for one in node.input if one in origin), None)
        if node.op_type in _PASSED_ON and known is not None:
            origin[node.output[0]] = known
        if node.op_type == "Gather" and node.input[1] in origin and node.input[0] in tables:
            axis = next((one.i for one in node.attribute if one.name == "axis"), 0)
            name, size = origin[node.input[1]], int(tables[node.input[0]][axis])
            rows[name] = min(size, rows.get(name, size))
    return {signature.name: rows for signature in card.signatures}


def _read(source: Path) -> ir.Model:
    """Return a file's model in an opset that has what quantising needs.

    Raises:
        ExportError: It states an opset that cannot be brought up to that.
    """
    proto = onnx.load(source)
    opset = next((one.version for one in proto.opset_import if one.domain in ("", "ai.onnx")), EXPORTED_OPSET)
    if opset < EXPORTED_OPSET:
        try:
            proto = version_converter.convert_version(proto, EXPORTED_OPSET)
        except (RuntimeError, ValueError, onnx.checker.ValidationError) as error:
            raise ExportError(
                f"{source} is of opset {opset}, and onnx cannot bring it to {EXPORTED_OPSET}: "
                f"{str(error).strip().splitlines()[0]}"
            ) from error
    with without_chatter():
        model = ir.from_proto(onnx.shape_inference.infer_shapes(proto))
    for number, node in enumerate(model.graph.all_nodes()):
        node.name = node.name or f"node_{number}"
    return model
