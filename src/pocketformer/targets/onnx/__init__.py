"""ONNX: one file, one graph, that takes text of any length and pays only for the tokens it has."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pocketformer.errors import MissingExtraError
from pocketformer.targets.contract import (
    NO_OPTIONS,
    ExportOptions,
    FileCard,
    ModelOperation,
    Refusal,
    Session,
)

if TYPE_CHECKING:
    from pocketformer.plan import Plan, PlannedLayer
    from pocketformer.program import Program

__all__ = [
    "describe",
    "export",
    "half",
    "is_native",
    "limit",
    "looked_up",
    "open",
    "precisions",
    "rewrite",
    "runtime",
    "suffixes",
    "unrealizable",
    "unsupported",
]

# ONNX Runtime's own builds report file names and timings to Microsoft unless this stands before its import.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

suffixes: tuple[str, ...] = (".onnx",)
precisions: tuple[str, ...] = ("fp32", "fp16", "int8", "int4")
half: tuple[str, ...] = ()  # fp16 is how weights are stored; the arithmetic stays in float32
runtime = "onnxruntime"
limit = "opset"


def export(program: Program, plan: Plan | str, path: Path, options: ExportOptions = NO_OPTIONS) -> None:
    """Write the program as an `.onnx` file with its weights stored as the plan says.

    Raises:
        ExportError: A plan that does not fit the model, a model that ONNX cannot take, or one that needs a
            newer opset than `options.oldest_runtime`.
        RecipeError: The name of a plan that cannot be decoded.
    """
    from pocketformer.plan import as_plan

    try:
        from pocketformer.targets.onnx.exporting import write
    except ModuleNotFoundError as error:
        raise MissingExtraError("onnx", error.name or "onnx") from error
    write(program, as_plan(plan), path, options)


def open(path: Path, threads: int = 1) -> Session:  # noqa: A001  # the verb every target has
    """Open an `.onnx` file to run its signatures.

    Raises:
        FileFormatError: The file is missing, damaged, or needs a newer runtime.
    """
    try:
        from pocketformer.targets.onnx.session import OnnxSession
    except ModuleNotFoundError as error:
        raise MissingExtraError("onnx", error.name or "onnxruntime") from error
    return OnnxSession(path, threads)


def describe(path: Path) -> FileCard:
    """Return what is in an `.onnx` file, counted from its bytes."""
    from pocketformer.targets.onnx.card import read_card

    return read_card(path)


def unsupported(operations: Sequence[ModelOperation]) -> tuple[Refusal, ...]:
    """Return the operations of a PyTorch model that have no translation to ONNX."""
    try:
        from pocketformer.targets.onnx.translation import untranslatable
    except ModuleNotFoundError as error:
        raise MissingExtraError("onnx", error.name or "onnxscript") from error
    return untranslatable(operations)


def unrealizable(plan: Plan, layers: Sequence[PlannedLayer]) -> tuple[str, ...]:
    """Return a sentence for each layer that does not divide as planned: ONNX stores every format."""
    return tuple(
        f"ONNX cannot store the layer {layer.name!r} {list(layer.shape)} as {layer.format}: it does not "
        f"divide into {'blocks' if layer.format.kind == 'integer' else 'groups'} of {layer.format.size}."
        for layer in layers
        if not layer.format.fits(layer.shape)
    )


def rewrite(source: Path, plan: Plan, path: Path) -> None:
    """Write a float32 `.onnx` file, anybody's, with its weights as planned.

    Raises:
        ExportError: It holds no float32 weights, or cannot be quantised; nothing is written.
    """
    try:
        from pocketformer.targets.onnx.given import rewrite as rewrite_given
    except ModuleNotFoundError as error:
        raise MissingExtraError("onnx", error.name or "onnx") from error
    rewrite_given(source, plan, path)


def looked_up(path: Path) -> dict[str, dict[str, int]]:
    """Return, for each signature, the integer inputs that are places in a table, and the rows it has."""
    try:
        from pocketformer.targets.onnx.given import looked_up as looked_up_in
    except ModuleNotFoundError as error:
        raise MissingExtraError("onnx", error.name or "onnx") from error
    return looked_up_in(path)


def is_native() -> bool:
    """Whether files run here with the runtime a phone has: ONNX Runtime does, on every system."""
    return True
