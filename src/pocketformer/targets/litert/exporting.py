"""Writing a program as a `.tflite` file: converted, quantised, held to its limits, finished."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocketformer import files
from pocketformer.targets.contract import ExportOptions
from pocketformer.targets.litert.card import METADATA_KEY
from pocketformer.targets.litert.constants import compute_constants
from pocketformer.targets.litert.convert import convert
from pocketformer.targets.litert.finish import correct_versions, drop_tensor_names
from pocketformer.targets.litert.flatbuffer import read_model, set_metadata, write_model
from pocketformer.targets.litert.limits import parsed_limit, refuse_operations, refuse_precision
from pocketformer.targets.litert.quantize import quantize

if TYPE_CHECKING:
    from pocketformer.program import Program


def write(program: Program, precision: str, path: Path, options: ExportOptions) -> None:
    """Write the program to `path` with weights in `precision`, within the options (see `litert.export`)."""
    files.write_bytes(path, write_model(finished_model(program, precision, path, options)))


def finished_model(program: Program, precision: str, path: Path, options: ExportOptions) -> Any:
    """Return what `write` writes, as an object tree (`schema.ModelT`).

    Args:
        program: The program.
        precision: Of its weights.
        path: Where it will stand, for the errors.
        options: What it must keep to.
    """
    limit = parsed_limit(options.oldest_runtime)
    refuse_precision(program, precision, limit)
    model = read_model(quantize(convert(program), precision), str(path))
    refuse_operations(model, program, precision, limit)
    compute_constants(model)
    correct_versions(model)
    drop_tensor_names(model)
    metadata = {**program.metadata, "precision": precision}
    set_metadata(model, METADATA_KEY, json.dumps(metadata, ensure_ascii=False, sort_keys=True).encode())
    model.description = f"pocketformer {program.kind}, {precision}"
    return model
