"""Holding an export to the oldest runtime it must load on, as early as anything can be said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pocketformer.errors import ExportError
from pocketformer.plan import Plan, PlannedLayer, WeightFormat
from pocketformer.targets.litert.layers import layer_names, layer_of
from pocketformer.targets.litert.operations import Operation, operation_in_tree
from pocketformer.targets.litert.releases import Release, first_release, package_for, parsed, written
from pocketformer.targets.litert.storage import reads_stored, stored_format
from pocketformer.targets.litert.verdict import described
from pocketformer.targets.litert.versions import Operand, needed_version

if TYPE_CHECKING:
    from pocketformer.program import Program

_OLDER_INT8 = (
    "Use fp16 weights, or fp32, for runtimes that old: int8 weights with one scale per matrix would load "
    "there, and lose too much accuracy."
)
_OLDER_NARROW = "Use int8 weights, which need LiteRT 2.18, or fp16, or allow that release."
_HOLDERS = {"linear": "FULLY_CONNECTED", "embedding": "EMBEDDING_LOOKUP", "convolution": "CONV_2D"}
_SEVERAL = 2  # of anything: one scale for each row


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


def refuse_plan(layers: Sequence[PlannedLayer], plan: Plan, limit: Release | None) -> None:
    """Refuse weights that no file for so old a runtime can hold, before anything is converted.

    Raises:
        ExportError: The format of a layer alone needs a newer runtime.
    """
    if limit is None:
        return
    for layer in layers:
        stored = stored_format(layer, plan.activations)
        if stored is None or str(stored) == "fp32":
            continue
        operation = _reader(layer, stored, plan)
        advice = "" if stored.kind == "float" else _OLDER_INT8 if stored.bits == 8 else _OLDER_NARROW
        _refuse(operation, layer.name, plan, limit, advice)


def _reader(layer: PlannedLayer, stored: WeightFormat, plan: Plan) -> Operation:
    """Return the operation that reads a layer's weight as it is stored."""
    name = _HOLDERS[layer.kind]
    if stored.kind == "float":
        weight = Operand("float16")
    else:
        weight = Operand(f"int{stored.bits}", (_SEVERAL, _SEVERAL), _SEVERAL, stored.size > 0)
    inputs = [Operand("int32" if layer.kind == "embedding" else "float32"), weight, None]
    if not reads_stored(name, stored, plan.activations):
        name, inputs = "DEQUANTIZE", [weight]
    version = needed_version(name, inputs, [Operand("float32")])
    return Operation(name, version, version)


def refuse_operations(model: Any, program: Program, plan: Plan, limit: Release | None) -> None:
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
            _refuse(operation, _layer_of(operator, graph, names), plan, limit)


def _refuse(operation: Operation, layer: str, plan: Plan, limit: Release, advice: str = "") -> None:
    release = first_release(operation.name, operation.version)
    if release is not None and release <= limit:
        return
    where = f" of {layer}" if layer else ""
    if release is None:
        raise ExportError(
            f"LiteRT {written(limit)} was asked for, and no table tells which release has "
            f"{described(operation)}{where}. Export without a limit."
        )
    raise ExportError(
        f"LiteRT {written(limit)} cannot hold this model in {plan.name}: {described(operation)}{where} needs "
        f"{written(release)} ({package_for(release)}). "
        + (advice or "Allow that release, or write the layer with older operations.")
    )


def _layer_of(operator: Any, graph: Any, names: Mapping[str, str]) -> str:
    """Return the layer of an operation: of what it makes, or of what it reads where that has its own name."""
    for index in [*operator.outputs, *operator.inputs]:
        if index >= 0 and (layer := layer_of(graph.tensors[index].name, names)):
            return layer
    return ""
