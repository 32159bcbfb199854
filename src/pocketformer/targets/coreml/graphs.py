"""The signatures of a program as exported PyTorch graphs, made once for all precisions."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from pocketformer.errors import ExportError
from pocketformer.plan import weighted_modules
from pocketformer.quiet import without_chatter
from pocketformer.targets.coreml.layers import layer_of_node, model_of
from pocketformer.targets.coreml.translation import is_translatable

if TYPE_CHECKING:
    from pocketformer.program import Program, Signature


@dataclass(frozen=True, slots=True)
class Graph:
    """One signature after `torch.export`.

    Attributes:
        signature: What it was made of.
        exported: torch's `ExportedProgram`; each node carries the number of its layer as `debug_handle`.
        layers: Number of a layer → its name in the checkpoint.
        integers: For each output by name, whether it is int32; otherwise it is float32.
        weights: What the graph calls the weights of planned layers → the layer.
        shared: Of those layers, the ones whose weight is read in more than one place.
    """

    signature: Signature
    exported: torch.export.ExportedProgram
    layers: dict[int, str]
    integers: dict[str, bool]
    weights: dict[str, str]
    shared: frozenset[str]

    def parameter(self, name: str) -> Tensor:
        """Return the parameter that the graph calls `name`."""
        path = self.exported.graph_signature.inputs_to_parameters[name]
        return self.signature.module.get_parameter(path).detach()


_graphs: weakref.WeakKeyDictionary[Program, dict[str, Graph]] = weakref.WeakKeyDictionary()


def graph_of(program: Program, name: str) -> Graph:
    """Return the graph of one signature of a program.

    Raises:
        ExportError: torch.export fails, or coremltools has no translation of an operation.
    """
    graphs = _graphs.setdefault(program, {})
    if name not in graphs:
        signature = {one.name: one for one in program.signatures}[name]
        with _wide_tables(program), without_chatter():
            graphs[name] = _exported(signature, program)
    return graphs[name]


def forget(program: Program) -> None:
    """Drop the graphs of a program, which has other parameters now."""
    _graphs.pop(program, None)


def _exported(signature: Signature, program: Program) -> Graph:
    with torch.inference_mode():
        outputs = signature.module(**signature.inputs)
    try:
        exported = torch.export.export(signature.module, (), kwargs=signature.inputs).run_decompositions({})
    except (RuntimeError, ValueError, NotImplementedError) as error:
        raise ExportError(
            f"PyTorch cannot export {signature.name!r}: {str(error).strip().splitlines()[0]}"
        ) from error
    layers: dict[str, int] = {}
    for node in exported.graph.nodes:
        if node.op != "call_function":
            continue
        layer = layer_of_node(node, program.kind)
        if not is_translatable(str(node.target)):
            raise ExportError(
                f"Core ML cannot take this model: coremltools has no translation of {node.target} "
                f"(in {layer or 'the program around the model'}). Write the layer with other operations."
            )
        node.meta["debug_handle"] = layers.setdefault(layer, len(layers))
    weights, shared = _weights(signature, exported, program)
    return Graph(
        signature,
        exported,
        {number: layer for layer, number in layers.items()},
        {output: not value.is_floating_point() for output, value in outputs.items()},
        weights,
        shared,
    )


def _weights(
    signature: Signature, exported: torch.export.ExportedProgram, program: Program
) -> tuple[dict[str, str], frozenset[str]]:
    """Return the names that the weights of layers have in a graph, and the layers that are read twice."""
    model = model_of(program)
    planned = {} if model is None else {id(part.weight): name for name, part, _ in weighted_modules(model)}
    readers = {node.name: len(node.users) for node in exported.graph.nodes if node.op == "placeholder"}
    weights: dict[str, str] = {}
    for name, path in exported.graph_signature.inputs_to_parameters.items():
        layer = planned.get(id(signature.module.get_parameter(path)))
        if layer is not None and readers[name]:
            weights[name] = layer
    counts = Counter(layer for name, layer in weights.items() for _ in range(readers[name]))
    return weights, frozenset(layer for layer, count in counts.items() if count > 1)


def _gather(table: Tensor, index: Tensor) -> Tensor:
    """Read a table as int32, which every iOS can; the constant is converted when the file is made."""
    return torch.index_select(table.to(torch.int32), 0, index)


@contextmanager
def _wide_tables(program: Program) -> Iterator[None]:
    previous = [tokenizer.gather for tokenizer in program.tokenizers]
    for tokenizer in program.tokenizers:
        tokenizer.gather = _gather
    try:
        yield
    finally:
        for tokenizer, gather in zip(program.tokenizers, previous, strict=True):
            tokenizer.gather = gather
