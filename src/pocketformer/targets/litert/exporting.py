"""Writing a program as a `.tflite` file: converted, filled with a plan's weights, finished, read back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from pocketformer import files
from pocketformer.errors import ExportError
from pocketformer.plan import Plan, PlannedLayer, WeightFormat, as_plan
from pocketformer.targets.contract import ExportOptions
from pocketformer.targets.litert.card import METADATA_KEY
from pocketformer.targets.litert.constants import compute_constants
from pocketformer.targets.litert.convert import convert
from pocketformer.targets.litert.filling import fill
from pocketformer.targets.litert.finish import correct_versions, drop_tensor_names
from pocketformer.targets.litert.flatbuffer import read_model, set_metadata, write_model
from pocketformer.targets.litert.guards import remove_guards
from pocketformer.targets.litert.layers import program_layers
from pocketformer.targets.litert.limits import parsed_limit, refuse_operations, refuse_plan
from pocketformer.targets.litert.stand_ins import StandIn
from pocketformer.targets.litert.storage import unrealizable_layers
from pocketformer.targets.litert.unused import drop_unused_tensors
from pocketformer.targets.litert.weights import require_formats

if TYPE_CHECKING:
    from pocketformer.program import Program


@dataclass(frozen=True, slots=True, eq=False)
class FinishedModel:
    """A file before it is written.

    Attributes:
        tree: Its object tree, `schema.ModelT`.
        plan: Of its weights.
        formats: What each layer is to be stored in, by its name.
    """

    tree: Any
    plan: Plan
    formats: Mapping[str, WeightFormat]

    def content(self) -> memoryview:
        """Return the bytes of the file, which hold what was planned.

        Raises:
            ExportError: They do not, or they would pass the format's 2 GB.
        """
        content = write_model(self.tree)
        require_formats(schema.Model.GetRootAs(content, 0), self.plan, self.formats)
        return content


def write(program: Program, plan: Plan | str, path: Path, options: ExportOptions) -> None:
    """Write the program to `path` as a plan has it, within the options (see `litert.export`)."""
    files.write_bytes(path, finished_model(program, plan, path, options).content())


def finished_model(program: Program, plan: Plan | str, path: Path, options: ExportOptions) -> FinishedModel:
    """Return what `write` writes.

    Args:
        program: The program.
        plan: Of its weights, or the name of one.
        path: Where it will stand, for the errors.
        options: What it must keep to.
    """
    plan = as_plan(plan)
    limit = parsed_limit(options.oldest_runtime)
    layers = program_layers(program, plan)
    if sentences := unrealizable_layers(plan, layers):
        raise ExportError(" ".join(sentences))
    refuse_plan(layers, plan, limit)
    converted = convert(program)
    _require_places(converted.lost, layers, plan)
    tree = read_model(np.memmap(converted.path, np.uint8, "r"), str(path))
    formats = fill(tree, converted.places, plan)
    remove_guards(tree)
    refuse_operations(tree, program, plan, limit)
    compute_constants(tree)
    drop_unused_tensors(tree)
    correct_versions(tree)
    drop_tensor_names(tree, kept=formats)
    metadata = {**program.metadata, "precision": plan.name, "plan": plan.model_dump(mode="json")}
    set_metadata(tree, METADATA_KEY, json.dumps(metadata, ensure_ascii=False, sort_keys=True).encode())
    tree.description = f"pocketformer {program.kind}, {plan.name}"
    return FinishedModel(tree, plan, formats)


def _require_places(lost: Sequence[StandIn], layers: Sequence[PlannedLayer], plan: Plan) -> None:
    """Refuse to leave a layer in float32 that was planned in less.

    Raises:
        ExportError: The layer, and what it was planned as.
    """
    names = {one.name for one in lost}
    for layer in layers:
        if layer.name in names and str(layer.format) != "fp32":
            raise ExportError(
                f"The plan {plan.name!r} has {layer.name} as {layer.format}, and the converter changed its "
                "weights so that they cannot be found again in the file. Plan it as fp32, and report it."
            )
