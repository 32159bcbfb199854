"""Holding an export to the oldest runtime it must load on, as early as anything can be said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import nn

from pocketformer.errors import ExportError
from pocketformer.program import ClampedEmbedding
from pocketformer.targets.litert.layers import layer_names, layer_of, model_layers
from pocketformer.targets.litert.operations import Operation, operation_in_tree
from pocketformer.targets.litert.releases import Release, first_release, package_for, parsed, written
from pocketformer.targets.litert.verdict import described
from pocketformer.targets.litert.versions import Operand, needed_version

if TYPE_CHECKING:
    from pocketformer.program import Program

# What a weight looks like after quantising, by precision: one scale per row.
_WEIGHTS = {"fp16": Operand("float16"), "int8": Operand("int8", (2, 2), 2)}
_ADVICE = {
    "int8": (
        "Use fp16 weights, or fp32, for runtimes that old: int8 weights with one scale per matrix would load "
        "there, and lose too much accuracy."
    ),
}


def parsed_limit(text: str | None) -> Release | None:
    """Return the oldest runtime that an export must keep to; None where there is no limit.

    Raises:
        ExportError: The text is no release.
    """
    try:
        return None if text is None else parsed(text)
    except ValueError as error:
        raise ExportError(
            f"{text!r} is no release of LiteRT; give one such as 2.9 or 2.14 (TensorFlow Lite's count)."
        ) from error


def refuse_precision(program: Program, precision: str, limit: Release | None) -> None:
    """Refuse weights that no file for so old a runtime can hold, before anything is converted.

    Raises:
        ExportError: The precision alone needs a newer runtime.
    """
    weights = _WEIGHTS.get(precision)
    if limit is None or weights is None:
        return
    for name, module in model_layers(program):
        if isinstance(module, nn.Linear):
            kind, inputs = "FULLY_CONNECTED", [Operand("float32"), weights, None]
        elif isinstance(module, ClampedEmbedding):
            kind, inputs = "EMBEDDING_LOOKUP", [Operand("int32"), weights]
        else:
            continue
        if weights.type == "float16":  # stored in half, and turned into float32 before they are used
            kind, inputs = "DEQUANTIZE", [weights]
        version = needed_version(kind, inputs, [Operand("float32")])
        _refuse(Operation(kind, version, version), name, precision, limit)


def refuse_operations(model: Any, program: Program, precision: str, limit: Release | None) -> None:
    """Refuse a converted file that an older runtime could not load, while its tensors still have names.

    Raises:
        ExportError: An operation needs a newer runtime; it, its version and its layer are named.
    """
    if limit is None:
        return
    names = layer_names(program)
    for graph in model.subgraphs:
        for operator in graph.operators:
            operation = operation_in_tree(model, graph, operator)
            _refuse(operation, _layer_of(operator, graph, names), precision, limit)


def _refuse(operation: Operation, layer: str, precision: str, limit: Release) -> None:
    release = first_release(operation.name, operation.version)
    if release is not None and release <= limit:
        return
    where = f" of {layer}" if layer else ""
    if release is None:
        raise ExportError(
            f"LiteRT {written(limit)} was asked for, and no table tells which release has "
            f"{described(operation)}{where}. Export without a limit."
        )
    advice = _ADVICE.get(precision, "") if operation.name in ("FULLY_CONNECTED", "EMBEDDING_LOOKUP") else ""
    raise ExportError(
        f"LiteRT {written(limit)} cannot hold this model in {precision}: {described(operation)}{where} needs "
        f"{written(release)} ({package_for(release)}). "
        + (advice or "Allow that release, or write the layer with older operations.")
    )


def _layer_of(operator: Any, graph: Any, names: Mapping[str, str]) -> str:
    """Return the layer of an operation: of what it makes, or of what it reads where that has its own name."""
    for index in [*operator.outputs, *operator.inputs]:
        if index >= 0 and (layer := layer_of(graph.tensors[index].name, names)):
            return layer
    return ""
