"""LiteRT (TFLite): one flatbuffer with several signatures over one copy of the weights."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pocketformer import files
from pocketformer.errors import ExportError, MissingExtraError
from pocketformer.targets.contract import (
    NO_OPTIONS,
    ExportOptions,
    FileCard,
    ModelOperation,
    Refusal,
    Session,
)

if TYPE_CHECKING:
    from pocketformer.program import Program

__all__ = [
    "describe",
    "export",
    "half",
    "is_native",
    "limit",
    "open",
    "precisions",
    "runtime",
    "suffixes",
    "unsupported",
]

suffixes: tuple[str, ...] = (".tflite",)
precisions: tuple[str, ...] = ("fp32", "fp16", "int8")
half: tuple[str, ...] = ()  # fp16 is how weights are stored; the arithmetic stays in float32
runtime = "ai_edge_litert.interpreter"
limit = "runtime"


def export(program: Program, precision: str, path: Path, options: ExportOptions = NO_OPTIONS) -> None:
    """Write the program as a `.tflite` file with weights in 'fp32', 'fp16' or 'int8'.

    Raises:
        ExportError: An unknown precision, or a model that LiteRT cannot take.
    """
    try:
        from pocketformer.targets.litert.convert import convert
        from pocketformer.targets.litert.finish import correct_versions, drop_tensor_names
        from pocketformer.targets.litert.quantize import quantize
    except ModuleNotFoundError as error:
        raise MissingExtraError("litert", error.name or "litert-torch") from error
    from pocketformer.targets.litert.card import METADATA_KEY
    from pocketformer.targets.litert.flatbuffer import read_model, set_metadata, write_model

    if precision not in precisions:
        raise ExportError(f"LiteRT has no precision {precision!r}; give one of {', '.join(precisions)}.")
    model = read_model(quantize(convert(program), precision), str(path))
    correct_versions(model)
    drop_tensor_names(model)
    metadata = {**program.metadata, "precision": precision}
    set_metadata(model, METADATA_KEY, json.dumps(metadata, ensure_ascii=False, sort_keys=True).encode())
    model.description = f"pocketformer {program.kind}, {precision}"
    files.write_bytes(path, write_model(model))


def open(path: Path, threads: int = 1) -> Session:  # noqa: A001  # the verb every target has
    """Open a `.tflite` file to run its signatures.

    Raises:
        FileFormatError: The file is missing, damaged, or needs a newer runtime.
    """
    try:
        from pocketformer.targets.litert.session import LiteRTSession
    except ModuleNotFoundError as error:
        raise MissingExtraError("run", error.name or "ai-edge-litert") from error
    return LiteRTSession(path, threads)


def describe(path: Path) -> FileCard:
    """Return what is in a `.tflite` file, counted from its bytes."""
    try:
        from pocketformer.targets.litert.card import read_card
    except ModuleNotFoundError as error:
        raise MissingExtraError("run", error.name or "ai-edge-litert") from error
    return read_card(path)


def unsupported(operations: Sequence[ModelOperation]) -> tuple[Refusal, ...]:
    """Return the operations of a PyTorch model that have no lowering to TFLite."""
    try:
        from pocketformer.targets.litert.lowering import unlowerable
    except ModuleNotFoundError as error:
        raise MissingExtraError("litert", error.name or "litert-torch") from error
    return unlowerable(operations)


def is_native() -> bool:
    """Whether files run here with the runtime a phone has: LiteRT does, on every system."""
    return True
