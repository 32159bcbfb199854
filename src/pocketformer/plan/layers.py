"""The layers that a plan speaks of: those with a matrix, a kernel or a table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, cast

from torch import Tensor, nn
from torch.nn.utils import parametrize

from pocketformer.plan.formats import WeightFormat
from pocketformer.plan.plan import Plan

__all__ = [
    "LayerKind",
    "PlannedLayer",
    "WeightedModule",
    "planned_layers",
    "stored_weight",
    "weighted_modules",
]

LayerKind = Literal["linear", "convolution", "embedding"]
WeightedModule = nn.Linear | nn.Conv1d | nn.Conv2d | nn.Embedding

# Of these a file holds a few rows, folded into its graph.
_FOLDED = re.compile(r"(^|\.)(position_embeddings|token_type_embeddings)$")


@dataclass(frozen=True, slots=True)
class PlannedLayer:
    """One layer with a weight, and the format that the plan gives it.

    Attributes:
        name: As in `module.named_modules()`.
        kind: 'linear', 'convolution' or 'embedding'.
        shape: Of its weight: [outputs, inputs…] or [tokens, hidden].
        format: Of the weight.
    """

    name: str
    kind: LayerKind
    shape: tuple[int, ...]
    format: WeightFormat


def weighted_modules(module: nn.Module) -> Iterator[tuple[str, WeightedModule, LayerKind]]:
    """Go through the layers of a module that a plan speaks of; what two share comes once."""
    seen: set[int] = set()
    for name, part in module.named_modules():
        if not isinstance(part, WeightedModule) or _FOLDED.search(name):
            continue
        if id(stored_weight(part)) not in seen:
            seen.add(id(stored_weight(part)))
            yield name, part, _kind_of(part)


def stored_weight(module: WeightedModule) -> Tensor:
    """Return the weight that an optimiser sees, also where `weight` is computed from it at each look."""
    if not parametrize.is_parametrized(module, "weight"):
        return module.weight
    parametrizations = cast(nn.ModuleDict, module.parametrizations)
    return cast(Tensor, parametrizations["weight"].original)


def _kind_of(module: WeightedModule) -> LayerKind:
    if isinstance(module, nn.Embedding):
        return "embedding"
    return "linear" if isinstance(module, nn.Linear) else "convolution"


def planned_layers(module: nn.Module, plan: Plan) -> tuple[PlannedLayer, ...]:
    """Return the layers of a module with their formats."""
    return tuple(
        PlannedLayer(name, kind, shape, plan.format_of(name, shape, kind == "embedding"))
        for name, part, kind in weighted_modules(module)
        for shape in [tuple(part.weight.shape)]
    )
