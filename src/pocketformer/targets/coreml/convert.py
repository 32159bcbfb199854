"""A program's signatures as Core ML functions, uncompressed, by coremltools."""

from __future__ import annotations

import hashlib
import re
import weakref
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from pocketformer.errors import ExportError
from pocketformer.plan import weighted_modules
from pocketformer.targets.coreml.constants import Constants
from pocketformer.targets.coreml.graphs import Graph, forget, graph_of
from pocketformer.targets.coreml.layers import is_within, model_of, name_after_layers
from pocketformer.targets.coreml.package import block_of
from pocketformer.targets.coreml.quiet import converting, coremltools
from pocketformer.targets.coreml.releases import Release

if TYPE_CHECKING:
    from pocketformer.program import Program

# The first narrows integers to 16 bits, which cuts token ids beyond 32,767. The second guards every lookup
# against negative positions; ours are clamped, and the guards would be a third of the tokenizer. The others
# would make one weight of two, or put a scale into it that its grid does not have.
_LEFT_OUT = {
    "common::add_int16_cast",
    "common::guard_negative_gather_indices",
    "common::const_deduplication",
    "common::fuse_conv_scale",
    "common::fuse_conv_batchnorm",
}
_SUFFIX = re.compile(r"_to_fp(16|32)(_\d+)?$|_\d+$")  # what the converter adds to the name of a parameter


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
    """Converted functions by name; not to be changed, they are kept for the next plan.

    Attributes:
        messages: `Function` messages, whose large constants are numbers in `constants`.
        descriptions: `FunctionDescription` messages.
        constants: The arrays, each once.
        weights: By function: name of a constant → the layer whose weight it is, as it is.
        folded: Layers whose weight may have gone into other constants as well, or instead.
        lost: Those of them whose weight is no constant of its own in some function that reads it.
    """

    messages: dict[str, Any] = field(default_factory=dict)
    descriptions: dict[str, Any] = field(default_factory=dict)
    constants: Constants = field(default_factory=Constants)
    weights: dict[str, dict[str, str]] = field(default_factory=dict)
    folded: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Kept:
    """Functions, and what they were converted with beside the weights that are their own constants."""

    functions: Functions
    digest: str


_converted: weakref.WeakKeyDictionary[Program, dict[Kind, _Kept]] = weakref.WeakKeyDictionary()


def convert(program: Program, names: Sequence[str], kind: Kind) -> Functions:
    """Return some signatures of a program as functions of the same names.

    They are converted once: the weights of layers may change in between, `store` takes them from the program.

    Raises:
        ExportError: coremltools cannot take the model.
    """
    kinds = _converted.setdefault(program, {})
    kept = kinds.get(kind)
    if kept is not None and kept.digest != _digest(program, kept.functions.folded):
        forget(program)
        kept = None
    functions = Functions() if kept is None else kept.functions
    missing = [name for name in names if name not in functions.messages]
    for name in missing:
        _convert(graph_of(program, name), kind, functions)
    if missing:
        kinds[kind] = _Kept(functions, _digest(program, functions.folded))
    return functions


def _digest(program: Program, folded: Set[str]) -> str:
    """Return a digest of all numbers of a program but the weights that are taken from it later."""
    model = model_of(program)
    modules = [] if model is None else weighted_modules(model)
    seen = {id(part.weight) for name, part, _ in modules if name not in folded}
    digest = hashlib.sha256()
    for signature in program.signatures:
        for tensors in (signature.module.named_parameters(), signature.module.named_buffers()):
            for name, tensor in tensors:
                if id(tensor) not in seen:
                    seen.add(id(tensor))
                    digest.update(f"{name}{tensor.dtype}{tuple(tensor.shape)}".encode())
                    digest.update(tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _convert(graph: Graph, kind: Kind, functions: Functions) -> None:
    from pocketformer.targets.coreml.messages import MessageMaker, described

    name = graph.signature.name
    with converting():
        program = _lowered(graph, kind)
        function = program.functions["main"]
        name_after_layers(function, graph.layers, _layer_number)
        functions.messages[name] = MessageMaker(program, kind.release, functions.constants).function("main")
        functions.descriptions[name] = described(name, function)
    own = _own_constants(functions.messages[name], functions.constants, graph)
    functions.weights[name] = own
    functions.lost.update(set(graph.weights.values()) - set(own.values()))
    functions.folded.update(graph.shared, functions.lost)


def _own_constants(message: Any, constants: Constants, graph: Graph) -> dict[str, str]:
    """Return the constants of a function that are the weight of a layer, as it is, and the layer."""
    found = {}
    for operation in block_of(message).operations:
        if operation.type != "const" or operation.attributes["val"].WhichOneof("value") != "blobFileValue":
            continue
        name = operation.outputs[0].name
        known = name if name in graph.weights else _SUFFIX.sub("", name)
        if known in graph.weights:
            array = constants[operation.attributes["val"].blobFileValue.offset]
            if np.array_equal(array, graph.parameter(known).numpy().astype(array.dtype)):
                found[name] = graph.weights[known]
    return found


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
        backend = PassPipeline.get_pipeline("backend_mlprogram")
        backend.remove_passes(_LEFT_OUT & set(backend.passes))
        PassPipelineManager.apply_pipeline(program, backend)
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
