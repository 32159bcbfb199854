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

suffixes: tuple[str, ...] = (".tflite",)
precisions: tuple[str, ...] = ("fp32", "fp16", "int8")
half: tuple[str, ...] = ()  # fp16 is how weights are stored; the arithmetic stays in float32
runtime = "ai_edge_litert.interpreter"
limit = "runtime"


def export(program: Program, plan: Plan | str, path: Path, options: ExportOptions = NO_OPTIONS) -> None:
    """Write the program as a `.tflite` file with weights in 'fp32', 'fp16' or 'int8'.

    Raises:
        ExportError: An unknown precision, a model that LiteRT cannot take, or one that needs a newer release
            than `options.oldest_runtime`; nothing is written.
    """
    precision = plan if isinstance(plan, str) else plan.name
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


def unrealizable(plan: Plan, layers: Sequence[PlannedLayer]) -> tuple[str, ...]:
    """Return a sentence for each layer whose weight LiteRT cannot store as planned."""
    if plan.name in precisions:
        return ()
    return (f"LiteRT cannot store the plan {plan.name!r}; it stores {', '.join(precisions)}.",)


def rewrite(source: Path, precision: str, path: Path) -> None:
    """Write a float32 `.tflite` file, anybody's, with its weights in another precision.

    Raises:
        ExportError: It holds no float32 weights, or cannot be quantised; nothing is written.
    """
    try:
        from pocketformer.targets.litert.given import rewrite as rewrite_given
    except ModuleNotFoundError as error:
        raise MissingExtraError("litert", error.name or "ai-edge-quantizer") from error
    rewrite_given(source, precision, path)


def looked_up(path: Path) -> dict[str, dict[str, int]]:
    """Return, for each signature, the integer inputs that are places in a table, and the rows it has."""
    try:
        from pocketformer.targets.litert.given import looked_up as looked_up_in
    except ModuleNotFoundError as error:
        raise MissingExtraError("litert", error.name or "ai-edge-quantizer") from error
    return looked_up_in(path)


def is_native() -> bool:
    """Whether files run here with the runtime a phone has: LiteRT does, on every system."""
    return True
