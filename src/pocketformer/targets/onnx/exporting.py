"""A program as one `.onnx` file: converted, laid out, compressed, held to its opset, written, read back."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pocketformer.errors import ExportError
from pocketformer.plan import planned_layers
from pocketformer.targets.contract import ExportOptions
from pocketformer.targets.onnx import unrealizable
from pocketformer.targets.onnx.convert import convert, layers_model
from pocketformer.targets.onnx.layout import lay_out
from pocketformer.targets.onnx.lowering import lower
from pocketformer.targets.onnx.names import drop_names_of_nodes
from pocketformer.targets.onnx.opsets import METADATA_KEY, asked_opset
from pocketformer.targets.onnx.reading import require_formats
from pocketformer.targets.onnx.weights import compress
from pocketformer.targets.onnx.writing import write_model

if TYPE_CHECKING:
    from pocketformer.plan import Plan
    from pocketformer.program import Program


def write(program: Program, plan: Plan, path: Path, options: ExportOptions) -> None:
    """Write the program to `path` (see `pocketformer.targets.onnx.export`)."""
    module = layers_model(program)
    if module is not None and (reasons := unrealizable(plan, planned_layers(module, plan))):
        raise ExportError(" ".join(reasons))
    limit = asked_opset(options.oldest_runtime)
    parts = convert(program)
    model = lay_out(parts)
    formats = compress(model, plan, parts.owners, limit)
    lower(model, limit)
    drop_names_of_nodes(model)
    metadata = {**program.metadata, "precision": plan.name, "plan": plan.model_dump(mode="json")}
    model.metadata_props[METADATA_KEY] = json.dumps(metadata, ensure_ascii=False, sort_keys=True)
    if labels := metadata.get("labels"):
        model.metadata_props["labels"] = json.dumps(labels, ensure_ascii=False)
    model.producer_name = "pocketformer"
    write_model(model, path, partial(require_formats, planned=formats))
