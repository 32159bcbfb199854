"""A program as one `.onnx` file: converted, laid out, compressed, held to its opset, written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from pocketformer.errors import ExportError
from pocketformer.targets.contract import ExportOptions
from pocketformer.targets.onnx import precisions
from pocketformer.targets.onnx.convert import convert
from pocketformer.targets.onnx.layout import lay_out
from pocketformer.targets.onnx.lowering import lower
from pocketformer.targets.onnx.opsets import METADATA_KEY, asked_opset
from pocketformer.targets.onnx.weights import compress
from pocketformer.targets.onnx.writing import write_model

if TYPE_CHECKING:
    from pocketformer.program import Program


def write(program: Program, precision: str, path: Path, options: ExportOptions) -> None:
    """Write the program to `path` (see `pocketformer.targets.onnx.export`)."""
    if precision not in precisions:
        raise ExportError(f"ONNX has no precision {precision!r}; give one of {', '.join(precisions)}.")
    limit = asked_opset(options.oldest_runtime)
    model = lay_out(convert(program))
    compress(model, precision)
    lower(model, limit)
    metadata = {**program.metadata, "precision": precision}
    model.metadata_props[METADATA_KEY] = json.dumps(metadata, ensure_ascii=False, sort_keys=True)
    if labels := metadata.get("labels"):
        model.metadata_props["labels"] = json.dumps(labels, ensure_ascii=False)
    model.producer_name = "pocketformer"
    write_model(model, path)
