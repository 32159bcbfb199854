"""A program's signatures as Core ML functions, uncompressed, by coremltools."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from pocketformer.errors import ExportError
from pocketformer.targets.coreml.constants import Constants
from pocketformer.targets.coreml.graphs import Graph, graph_of
from pocketformer.targets.coreml.layers import is_within, name_after_layers
from pocketformer.targets.coreml.quiet import converting, coremltools
from pocketformer.targets.coreml.releases import Release

if TYPE_CHECKING:
    from pocketformer.program import Program

# The first narrows integers to 16 bits, which cuts token ids beyond 32,767. The second guards every lookup
# against negative positions; ours are clamped, and the guards would be a third of the tokenizer.
_LEFT_OUT = {"common::add_int16_cast", "common::guard_negative_gather_indices"}


@dataclass(frozen=True, slots=True)
class Kind:
    """What the conversion depends on, beside the program.

    Attributes:
        release: Whose operations are used.
        half: Whether to compute in float16.
        float32_layers: Layers that stay in float32 all the same.
    """

    release: Release
    half: bool
    float32_layers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Functions:
    """Converted functions by name; not to be changed, they are kept for the next precision.

    Attributes:
        messages: `Function` messages, whose large constants are numbers in `constants`.
        descriptions: `FunctionDescription` messages.
        constants: The arrays, each once.
    """

    messages: dict[str, Any] = field(default_factory=dict)
    descriptions: dict[str, Any] = field(default_factory=dict)
    constants: Constants = field(default_factory=Constants)


_converted: weakref.WeakKeyDictionary[Program, dict[Kind, Functions]] = weakref.WeakKeyDictionary()


def convert(program: Program, names: Sequence[str], kind: Kind) -> Functions:
    """Return some signatures of a program as functions of the same names.

    Raises:
        ExportError: coremltools cannot take the model.
    """
    functions = _converted.setdefault(program, {}).setdefault(kind, Functions())
    for name in names:
        if name not in functions.messages:
            _convert(graph_of(program, name), kind, functions)
    return functions


def _convert(graph: Graph, kind: Kind, functions: Functions) -> None:
    from pocketformer.targets.coreml.messages import MessageMaker, described

    name = graph.signature.name
    with converting():
        program = _lowered(graph, kind)
        function = program.functions["main"]
        name_after_layers(function, graph.layers, _layer_number)
        functions.messages[name] = MessageMaker(program, kind.release, functions.constants).function("main")
        functions.descriptions[name] = described(name, function)


def _lowered(graph: Graph, kind: Kind) -> Any:
    """Return coremltools' own program of one graph, through all its passes."""
    ct = coremltools()
    from coremltools.converters.mil.mil.passes.pass_pipeline import PassPipeline, PassPipelineManager

    pipeline = ct.PassPipeline.DEFAULT
    pipeline.remove_passes(_LEFT_OUT)
    inputs, outputs = graph.signature.inputs, graph.integers
    try:
        program = ct.convert(
            graph.exported,
            convert_to="milinternal",
            inputs=[
                ct.TensorType(one, tuple(value.shape), _numpy_dtype(value)) for one, value in inputs.items()
            ],
            outputs=[
                ct.TensorType(one, dtype=np.int32 if int32 else np.float32) for one, int32 in outputs.items()
            ],
            minimum_deployment_target=getattr(ct.target, f"iOS{kind.release.ios}"),
            compute_precision=_precision(ct, graph, kind),
            pass_pipeline=pipeline,
        )
        PassPipelineManager.apply_pipeline(program, PassPipeline.get_pipeline("backend_mlprogram"))
        program._check_early_error_out_for_invalid_program()
    except (ValueError, RuntimeError, NotImplementedError, TypeError, AttributeError, IndexError) as error:
        raise ExportError(
            f"Core ML cannot take this model: {_reason(error)} (while converting "
            f"{graph.signature.name!r} for iOS {kind.release.ios})."
        ) from error
    return program


def _numpy_dtype(value: Tensor) -> type[np.generic]:
    return np.float32 if value.is_floating_point() else np.int32


def _precision(ct: Any, graph: Graph, kind: Kind) -> Any:
    if not kind.half:
        return ct.precision.FLOAT32
    return ct.transform.FP16ComputePrecision(op_selector=_in_half(graph.layers, kind.float32_layers))


def _in_half(layers: dict[int, str], float32_layers: Sequence[str]) -> Callable[[Any], bool]:
    kept = {number for number, layer in layers.items() if is_within(layer, float32_layers)}
    return lambda operation: _layer_number(operation) not in kept


def _layer_number(operation: Any) -> int | None:
    """Return the number of the layer that an operation of coremltools was made for."""
    from coremltools.converters.mil.mil.scope import ScopeSource

    numbers = operation.scopes.get(ScopeSource.EXIR_DEBUG_HANDLE) or [None]
    number: int | None = numbers[0]
    return number


def _reason(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")
