"""A program as one `.mlpackage`, or as one for each signature where the oldest iOS has no functions."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocketformer import files
from pocketformer.errors import ExportError
from pocketformer.plan import Plan, planned_layers, weighted_modules
from pocketformer.targets.contract import ExportOptions
from pocketformer.targets.coreml.compress import store
from pocketformer.targets.coreml.convert import Functions, Kind, convert
from pocketformer.targets.coreml.features import fill_in
from pocketformer.targets.coreml.layers import is_within, model_of, require_layers
from pocketformer.targets.coreml.layout import Layout, laid_out
from pocketformer.targets.coreml.matching import require_as_planned, require_own_weights
from pocketformer.targets.coreml.parts import PARTS_KEY, SIGNATURE_KEY, identity, part_name, parts_of
from pocketformer.targets.coreml.storage import needs, unstorable
from pocketformer.targets.coreml.stored import LAYERS_KEY
from pocketformer.targets.coreml.writing import new_model, write_package

if TYPE_CHECKING:
    from pocketformer.program import Program


def write(program: Program, plan: Plan, path: Path, options: ExportOptions) -> None:
    """Write the program to `path` (see `pocketformer.targets.coreml.export`)."""
    model = model_of(program)
    layers = () if model is None else planned_layers(model, plan)
    if refused := [sentence for one in layers if (sentence := unstorable(one))]:
        raise ExportError(f"Core ML cannot store the plan {plan.name!r}: {' '.join(refused)}")
    require_layers(program, options.float32_layers)
    half = str(plan.weights) != "fp32"
    kept = {*options.float32_layers, *(one.name for one in layers if str(one.format) == "fp32")}
    float32_layers = tuple(sorted(kept)) if half else ()
    asked = needs(layers, lambda layer: half and not is_within(layer, float32_layers))
    layout = laid_out(program, asked, options.oldest_runtime)
    kind = Kind(layout.release, half, float32_layers)
    converted = convert(program, layout.signatures, kind)
    require_own_weights(converted, layers)
    weights = {} if model is None else {name: part.weight for name, part, _ in weighted_modules(model)}
    functions = store(converted, weights, layers, plan, layout.release)
    metadata = {**program.metadata, "precision": plan.name, "plan": plan.model_dump(mode="json")}
    metadata[LAYERS_KEY] = [one.name for one in layers]
    if kind.float32_layers:
        metadata["float32_layers"] = list(kind.float32_layers)

    def proven(package: Path, *signatures: str) -> None:
        written = {layer for name in signatures for layer in converted.weights[name].values()}
        require_as_planned(package, plan, layers, written, layout.release.ios)

    replaced = parts_of(path)
    if layout.together:
        with files.atomic_path(path) as temporary:
            write_package(temporary, _together(layout, functions, metadata), functions.constants)
            proven(temporary, *layout.signatures)
        written = set()
    else:
        written = _write_apart(layout, functions, metadata, path, proven)
    for name in replaced - written:  # of an earlier export under the same name
        files.remove(path.with_name(name))


def _write_apart(
    layout: Layout,
    functions: Functions,
    metadata: dict[str, Any],
    path: Path,
    proven: Callable[[Path, str], None],
) -> set[str]:
    """Write one package per signature, that at `path` last; return the names of the others."""
    main, *others = layout.signatures
    listed: dict[str, dict[str, str]] = {}
    with ExitStack() as stack:
        # Entered first, it is moved to its place last: what it lists is there by then.
        first = stack.enter_context(files.atomic_path(path))
        for signature in others:
            name = part_name(path, signature)
            temporary = stack.enter_context(files.atomic_path(path.with_name(name)))
            own = {**metadata, SIGNATURE_KEY: signature}
            write_package(temporary, _single(layout, functions, signature, own), functions.constants)
            proven(temporary, signature)
            listed[signature] = {"file": name, "identity": identity(temporary)}
        own = {**metadata, SIGNATURE_KEY: main, **({PARTS_KEY: listed} if listed else {})}
        write_package(first, _single(layout, functions, main, own), functions.constants)
        proven(first, main)
    return {part["file"] for part in listed.values()}


def _together(layout: Layout, functions: Functions, metadata: dict[str, Any]) -> Any:
    model = new_model(layout.release.specification)
    for name in layout.signatures:
        model.description.functions.append(functions.descriptions[name])
        model.mlProgram.functions[name].CopyFrom(functions.messages[name])
    model.description.defaultFunctionName = layout.signatures[0]
    fill_in(model.description, metadata)
    return model


def _single(layout: Layout, functions: Functions, signature: str, metadata: dict[str, Any]) -> Any:
    """Return the model of one signature: before iOS 18 a package's only function is called `main`."""
    model = new_model(layout.release.specification)
    model.mlProgram.functions["main"].CopyFrom(functions.messages[signature])
    model.description.input.extend(functions.descriptions[signature].input)
    model.description.output.extend(functions.descriptions[signature].output)
    fill_in(model.description, metadata)
    return model
