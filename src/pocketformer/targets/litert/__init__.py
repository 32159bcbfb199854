"""LiteRT (TFLite): one flatbuffer with several signatures over one copy of the weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

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
        ExportError: An unknown precision, a model that LiteRT cannot take, or one that needs a newer release
            than `options.oldest_runtime`; nothing is written.
    """
    if precision not in precisions:
        raise ExportError(f"LiteRT has no precision {precision!r}; give one of {', '.join(precisions)}.")
    try:
        from pocketformer.targets.litert.exporting import write
    except ModuleNotFoundError as error:
        raise MissingExtraError("litert", error.name or "litert-torch") from error
    write(program, precision, path, options)


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
