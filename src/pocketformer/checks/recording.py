"""One run of a PyTorch model, every value kept, with what each was computed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from pocketformer.checks.matching import variation
from pocketformer.checks.watching import Operation, watch

__all__ = ["ModuleOutput", "Recording", "Value", "changes", "record"]

_PARTIAL = {"aten.slice", "aten.select", "aten.index", "aten.split", "aten.split_with_sizes", "aten.unbind"}


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """One tensor of a run.

    Attributes:
        layer: The layer whose operation gave it.
        operation: Its name, as in "aten.addmm".
        tensor: The tensor.
        sources: Places, in the recording, of the values it was computed from.
        is_part: It is a cut-out of its source: that it is right says nothing of the rest.
    """

    layer: str
    operation: str
    tensor: Tensor
    sources: tuple[int, ...]
    is_part: bool

    @property
    def array(self) -> np.ndarray | None:
        """The numbers, where they are float32 and there are any."""
        if self.tensor.dtype != torch.float32 or not self.tensor.numel():
            return None
        array: np.ndarray = self.tensor.detach().numpy()
        return array


@dataclass(frozen=True, slots=True)
class ModuleOutput:
    """A layer that was run.

    Attributes:
        layer: Its path.
        type: Its class.
        is_leaf: It has no layers inside.
        taken: Places of the values that came from outside of it.
        values: Places of its outputs.
    """

    layer: str
    type: str
    is_leaf: bool
    taken: tuple[int, ...]
    values: tuple[int, ...]


@dataclass(slots=True)
class Recording:
    """The values of a run in their order, and the layers in the order they were done."""

    values: list[Value] = field(default_factory=list)
    modules: list[ModuleOutput] = field(default_factory=list)


def record(model: nn.Module, inputs: Mapping[str, Tensor]) -> Recording:
    """Run a model once and keep everything.

    Args:
        model: Its `named_modules()` name the layers. Attention should be plain.
        inputs: Its keyword arguments.
    """
    recording = Recording()
    places: dict[int, int] = {}  # by the identity of a tensor; all are kept alive
    modules = dict(model.named_modules())

    def see(operation: Operation) -> None:
        sources = tuple(dict.fromkeys(places[id(one)] for one in operation.taken if id(one) in places))
        for tensor in operation.given:
            # A tensor changed in place is the next value of the same tensor.
            places[id(tensor)] = len(recording.values)
            recording.values.append(
                Value(operation.layer, operation.name, tensor, sources, operation.name in _PARTIAL)
            )

    def leave(layer: str, output: Any) -> None:
        tensors = [one for one in tree_leaves(output) if isinstance(one, Tensor)]
        found = tuple(places[id(one)] for one in tensors if id(one) in places)
        module = modules[layer]
        is_leaf = next(module.children(), None) is None
        taken = _taken(recording.values, layer) if is_leaf else ()
        recording.modules.append(ModuleOutput(layer, type(module).__name__, is_leaf, taken, found))

    with watch(model, see, leave), torch.no_grad():
        model(**inputs)
    return recording


def changes(recording: Recording, other: Recording) -> list[float]:
    """Return how far each value of another run of the same model is off, relative to its variation.

    Values that do not vary or are no float32 have 0.
    """
    return [_change(one.array, two.array) for one, two in zip(recording.values, other.values, strict=True)]


def _change(value: np.ndarray | None, other: np.ndarray | None) -> float:
    size = 0.0 if value is None else variation(value)
    if value is None or other is None or not size:
        return 0.0
    return float(np.linalg.norm(other.astype(np.float64) - value)) / size


def _taken(values: list[Value], layer: str) -> tuple[int, ...]:
    """Return the places of the values that a layer without layers inside, just done, has used."""
    start = len(values)
    while start and values[start - 1].layer == layer:
        start -= 1
    used = (source for value in values[start:] for source in value.sources if source < start)
    return tuple(dict.fromkeys(used))
