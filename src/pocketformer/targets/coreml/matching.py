"""A package held against its plan: each layer is stored as planned, or nothing is delivered."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from pathlib import Path

from pocketformer.errors import ExportError
from pocketformer.plan import Plan, PlannedLayer
from pocketformer.targets.coreml.convert import Functions
from pocketformer.targets.coreml.package import read_package
from pocketformer.targets.coreml.storage import stored_format
from pocketformer.targets.coreml.stored import stored_weights

__all__ = ["require_as_planned", "require_own_weights"]

_WRITTEN_OUT = 10  # numbers that coremltools takes into the program itself, if there are no more


def require_own_weights(functions: Functions, layers: Sequence[PlannedLayer]) -> None:
    """Refuse functions in which the weight of a layer is no constant of its own.

    Tables whose rows are known beforehand are folded, and stay float.

    Raises:
        ExportError: It names the layers.
    """
    lost = [
        one.name
        for one in layers
        if one.name in functions.lost and one.kind != "embedding" and math.prod(one.shape) >= _WRITTEN_OUT
    ]
    if lost:
        raise ExportError(
            f"coremltools made other constants of the weights of {', '.join(lost)}, which no plan reaches. "
            "Plan fp16 or fp32 for the whole model, and report it."
        )


def require_as_planned(
    path: Path, plan: Plan, layers: Sequence[PlannedLayer], written: Collection[str], ios: int
) -> None:
    """Read a package back and compare the format of each weight with the plan.

    Args:
        path: The package.
        plan: What it was written by.
        layers: Of the plan, with their formats, in the order of the package's metadata.
        written: Names of those that the package must have.
        ios: Of the release whose operations it has.

    Raises:
        ExportError: It names the layer, what was planned and what was found.
    """
    planned = {one.name: one for one in layers}
    found: dict[str, str] = {}
    for stored in stored_weights(read_package(path), list(planned)):
        if not stored.layer:
            continue
        layer = planned[stored.layer]
        expected = stored_format(layer.format, layer.shape, stored.half, ios)
        found[stored.layer] = stored.format
        if stored.format != str(expected):
            raise ExportError(
                f"The plan {plan.name!r} has {layer.format} for {layer.name}, which Core ML stores as "
                f"{expected}; the package holds {stored.format}. Nothing was written; report it."
            )
    missing = [name for name in planned if name in written and name not in found]
    if missing:
        raise ExportError(
            f"The plan {plan.name!r} has {planned[missing[0]].format} for {missing[0]}, whose weight the "
            "package does not tell. Nothing was written; report it."
        )
