"""LiteRT (TFLite): one flatbuffer with several signatures over one copy of the weights."""

from __future__ import annotations

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

suffixes: tuple[str, ...] = (".tflite",)
precisions: tuple[str, ...] = ("fp32", "fp16", "int8", "int4")
half: tuple[str, ...] = ()  # fp16 is how weights are stored; the arithmetic stays in float32
runtime = "ai_edge_litert.interpreter"
limit = "runtime"


def export(program: Program, plan: Plan | str, path: Path, options: ExportOptions = NO_OPTIONS) -> None:
    """Write the program as a `.tflite` file with its weights as a plan, or one of that name, has them.

    Floats are stored as they are, or in half and computed in float32; integers of eight, four and two bits,
    with a scale per row, and of four in blocks. Other widths are stored in the next wider one, with the same
    codes. Activations "int8" are quantised at run time, per token (per image in convolutions).

    Raises:
        ExportError: A plan that LiteRT cannot store, a model that it cannot take, or one that needs a newer
            release than `options.oldest_runtime`; nothing is written.
        RecipeError: A name that is no plan's.
    """
    try:
        from pocketformer.targets.litert.exporting import write
    except ModuleNotFoundError as error:
        raise MissingExtraError("litert", error.name or "litert-torch") from error
    write(program, plan, path, options)


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
    """Return a sentence for each layer whose weight LiteRT cannot store as planned: palettes, odd blocks."""
    from pocketformer.targets.litert.storage import unrealizable_layers

    return unrealizable_layers(plan, layers)


def rewrite(source: Path, plan: Plan, path: Path) -> None:
    """Write a float32 `.tflite` file, anybody's, with its weights as planned.

    Raises:
        ExportError: It holds no float32 weights, or cannot be quantised; nothing is written.
    """
    try:
        from pocketformer.targets.litert.given import rewrite as rewrite_given
    except ModuleNotFoundError as error:
        raise MissingExtraError("litert", error.name or "ai-edge-quantizer") from error
    rewrite_given(source, plan, path)


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
