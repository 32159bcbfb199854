"""Size and speed of files in one format throughout, from which those of a mixed plan are estimated."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from pocketformer.bench.interleave import interleave
from pocketformer.budget.result import LayerCost
from pocketformer.errors import RecipeError
from pocketformer.plan import Plan, PlannedLayer, WeightFormat
from pocketformer.prediction import open as open_model
from pocketformer.program import Program
from pocketformer.targets import Target

__all__ = ["Uniform", "estimated_ms", "uniform_files"]

_ROUNDS = 25


@dataclass(frozen=True, slots=True)
class Uniform:
    """What was measured of files in one format.

    Attributes:
        fixed_bytes: What a file of this model holds beside weights.
        milliseconds: Per text and format, one thread; empty where no limit asks for it.
    """

    fixed_bytes: int
    milliseconds: dict[str, float]


def uniform_files(
    program: Program,
    target: Target,
    plans: Mapping[str, Plan],
    costs: Sequence[LayerCost],
    texts: Sequence[str],
    timed: bool,
) -> Uniform:
    """Write a file in each format, or in the first alone where none is to be timed.

    Args:
        program: Of the checkpoint.
        target: Of the files.
        plans: By format, a plan that gives it to every layer that can have it.
        costs: With the bytes of each layer in each format.
        texts: One of median length is timed.
        timed: Whether milliseconds are wanted.

    Raises:
        RecipeError: They are, and files of this format do not run here as on a phone.
    """
    if timed and not target.is_native():
        raise RecipeError(
            "max_ms needs a format whose files run on this machine as on a phone, litert or onnx; Core ML "
            "packages are timed on a Mac only."
        )
    wanted = dict(plans) if timed else dict(list(plans.items())[:1])
    text = sorted(texts, key=len)[len(texts) // 2]
    with tempfile.TemporaryDirectory() as folder:
        models = {}
        for name, plan in wanted.items():
            path = Path(folder) / f"{plan.name}{target.suffixes[0]}"
            with program.baked(plan):
                target.export(program, plan, path)
            models[name] = open_model(path)
        first = next(iter(wanted))
        fixed = models[first].card.size_bytes - _planned_bytes(wanted[first], costs)
        measured = (
            interleave({name: partial(model, text) for name, model in models.items()}, _ROUNDS)
            if timed
            else {}
        )
    return Uniform(round(fixed), {name: statistics.median(times) for name, times in measured.items()})


def estimated_ms(
    plan: Plan, layers: Sequence[PlannedLayer], milliseconds: Mapping[str, float]
) -> float | None:
    """Return the milliseconds of a plan: those of its formats, by their share of the multiplications."""
    if not milliseconds:
        return None
    linear = [layer for layer in layers if layer.kind == "linear"]
    work = [float(np.prod(layer.shape)) for layer in linear]
    times = [milliseconds[str(plan.format_of(layer.name, layer.shape))] for layer in linear]
    return float(np.average(times, weights=work))


def _planned_bytes(plan: Plan, costs: Sequence[LayerCost]) -> float:
    return sum(cost.bytes for cost in costs if WeightFormat.parse(cost.format) == plan.layers.get(cost.layer))
