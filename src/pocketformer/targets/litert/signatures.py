"""The entry points of a TFLite file: its signatures, or its inputs and outputs where it has none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pocketformer.targets.contract import SignatureCard, TensorCard
from pocketformer.targets.litert.flatbuffer import TENSOR_TYPE_NAMES

#: What the one entry point of a file without signatures is called.
UNNAMED_SIGNATURE = "serving_default"

_NUMPY_NAMES = {"string": "object"}
_MAIN_SUBGRAPH = 0


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """One entry point, and where its tensors stand.

    Attributes:
        card: Names, dtypes and shapes.
        subgraph: The index of the subgraph that it runs.
        inputs: The index in the subgraph of each of the card's inputs.
        outputs: The same of its outputs.
        named: Whether the file itself calls it so; otherwise the runtime knows it by its tensors alone.
    """

    card: SignatureCard
    subgraph: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    named: bool


def signature_cards(model: Any) -> tuple[SignatureCard, ...]:
    """Return the cards of a file's entry points."""
    return tuple(entry.card for entry in entry_points(model))


def entry_points(model: Any) -> tuple[EntryPoint, ...]:
    """Return the signatures of a file; the first subgraph's inputs and outputs where it has none."""
    count = model.SignatureDefsLength()
    if not count and model.SubgraphsLength():
        return (_unnamed(model),)
    return tuple(_named(model, model.SignatureDefs(index)) for index in range(count))


def _named(model: Any, definition: Any) -> EntryPoint:
    inputs = [definition.Inputs(place) for place in range(definition.InputsLength())]
    outputs = [definition.Outputs(place) for place in range(definition.OutputsLength())]
    return _entry(
        model,
        definition.SignatureKey().decode(),
        definition.SubgraphIndex(),
        [(entry.Name().decode(), entry.TensorIndex()) for entry in inputs],
        [(entry.Name().decode(), entry.TensorIndex()) for entry in outputs],
        named=True,
    )


def _unnamed(model: Any) -> EntryPoint:
    graph = model.Subgraphs(_MAIN_SUBGRAPH)
    inputs = [graph.Inputs(place) for place in range(graph.InputsLength())]
    outputs = [graph.Outputs(place) for place in range(graph.OutputsLength())]
    return _entry(
        model,
        UNNAMED_SIGNATURE,
        _MAIN_SUBGRAPH,
        _told_apart(graph, inputs, "input"),
        _told_apart(graph, outputs, "output"),
        named=False,
    )


def _entry(
    model: Any,
    name: str,
    subgraph: int,
    inputs: Iterable[tuple[str, int]],
    outputs: Iterable[tuple[str, int]],
    *,
    named: bool,
) -> EntryPoint:
    graph = model.Subgraphs(subgraph)
    inputs, outputs = list(inputs), list(outputs)
    card = SignatureCard(
        name,
        tuple(_tensor(label, graph.Tensors(index)) for label, index in inputs),
        tuple(_tensor(label, graph.Tensors(index)) for label, index in outputs),
    )
    places = tuple(index for _, index in inputs), tuple(index for _, index in outputs)
    return EntryPoint(card, subgraph, *places, named)


def _told_apart(graph: Any, indices: list[int], kind: str) -> list[tuple[str, int]]:
    """Name tensors as the file does; by their place where it gives several one name, or none."""
    names = [(graph.Tensors(index).Name() or b"").decode("utf-8", "replace") for index in indices]
    return [
        (name if name and names.count(name) == 1 else f"{kind}_{place}", index)
        for place, (name, index) in enumerate(zip(names, indices, strict=True))
    ]


def _tensor(name: str, tensor: Any) -> TensorCard:
    """Return a tensor's card: what varies in length is -1 in its `shape_signature`, and 1 in its shape."""
    dtype = TENSOR_TYPE_NAMES[tensor.Type()]
    length, size = tensor.ShapeLength(), tensor.Shape
    if tensor.ShapeSignatureLength():
        length, size = tensor.ShapeSignatureLength(), tensor.ShapeSignature
    return TensorCard(name, _NUMPY_NAMES.get(dtype, dtype), tuple(int(size(axis)) for axis in range(length)))
