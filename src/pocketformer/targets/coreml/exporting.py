"""A program as one `.mlpackage`, or as one for each signature where the oldest iOS has no functions."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocketformer import files
from pocketformer.targets.contract import ExportOptions
from pocketformer.targets.coreml.compress import COMPRESSED, compress
from pocketformer.targets.coreml.convert import Functions, Kind, convert
from pocketformer.targets.coreml.features import fill_in
from pocketformer.targets.coreml.layers import require_layers
from pocketformer.targets.coreml.layout import Layout, laid_out
from pocketformer.targets.coreml.parts import PARTS_KEY, SIGNATURE_KEY, identity, part_name, parts_of
from pocketformer.targets.coreml.writing import new_model, write_package

if TYPE_CHECKING:
    from pocketformer.program import Program


def write(program: Program, precision: str, path: Path, options: ExportOptions) -> None:
    """Write the program to `path` (see `pocketformer.targets.coreml.export`)."""
    layout = laid_out(program, precision, options.oldest_runtime)
    require_layers(program, options.float32_layers)
    half = precision != "fp32"
    kind = Kind(layout.release, half, tuple(sorted(set(options.float32_layers))) if half else ())
    functions = convert(program, layout.signatures, kind)
    if precision in COMPRESSED:
        functions = compress(functions, precision, layout.release)
    metadata = {**program.metadata, "precision": precision}
    if kind.float32_layers:
        metadata["float32_layers"] = list(kind.float32_layers)
    replaced = parts_of(path)
    if layout.together:
        with files.atomic_path(path) as temporary:
            write_package(temporary, _together(layout, functions, metadata), functions.constants)
        written = set()
    else:
        written = _write_apart(layout, functions, metadata, path)
    for name in replaced - written:  # of an earlier export under the same name
        files.remove(path.with_name(name))


def _write_apart(layout: Layout, functions: Functions, metadata: dict[str, Any], path: Path) -> set[str]:
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
            listed[signature] = {"file": name, "identity": identity(temporary)}
        own = {**metadata, SIGNATURE_KEY: main, **({PARTS_KEY: listed} if listed else {})}
        write_package(first, _single(layout, functions, main, own), functions.constants)
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
