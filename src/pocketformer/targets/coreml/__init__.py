"""Core ML: an ML Program package, made and proved on any system.

A plan's weights are stored layer by layer (`storage` says as what, and from which iOS). Arithmetic is
float16; it is float32 all over where the plan has its matrices in fp32, and in a layer that is an fp32
exception. Activations are never quantised.
"""

from __future__ import annotations

import importlib.util
import sys
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
    "open",
    "precisions",
    "runtime",
    "suffixes",
    "unrealizable",
    "unsupported",
]

suffixes: tuple[str, ...] = (".mlpackage",)
precisions: tuple[str, ...] = ("fp32", "fp16", "int8", "int4", "palette4")
half: tuple[str, ...] = ("fp16", "int8", "int4", "palette4")
limit = "ios"
runtime = "coremltools" if sys.platform == "darwin" else "pocketformer.targets.coreml.evaluator"


def export(program: Program, plan: Plan | str, path: Path, options: ExportOptions = NO_OPTIONS) -> None:
    """Write the program as a `.mlpackage`, its signatures as functions over one set of weights.

    For an iOS before 18, which has no functions, the package holds the main signature, and each other one
    has a package beside it: NAME.classify_16.mlpackage.

    Raises:
        ExportError: A layer to keep in float32 that is not there, a model that Core ML cannot take, a weight
            that it cannot store, or not for an iOS as old as `options.oldest_runtime`; or what was written
            differs from the plan. Nothing is left behind.
        RecipeError: No such plan.
    """
    from pocketformer.plan import as_plan

    try:
        from pocketformer.targets.coreml.exporting import write

        write(program, as_plan(plan), path, options)
    except ModuleNotFoundError as error:
        raise MissingExtraError("coreml", error.name or "coremltools") from error


def open(path: Path, threads: int = 1, float32: bool = False) -> Session:  # noqa: A001  # as every target
    """Open a `.mlpackage` to run its signatures: on a Mac with Apple's runtime, elsewhere with the evaluator.

    Args:
        path: The package.
        threads: Threads that the evaluator may use; Apple's runtime chooses its own.
        float32: Leave results of float16 operations unrounded, so that what error remains is the weights'
            own. Always runs in the evaluator.

    Raises:
        FileFormatError: The package is missing, damaged, or holds what cannot be run.
    """
    try:
        from pocketformer.targets.coreml.session import CoreMLSession
    except ModuleNotFoundError as error:
        raise MissingExtraError("coreml", error.name or "coremltools") from error
    return CoreMLSession(path, threads, float32)


def describe(path: Path) -> FileCard:
    """Return what is in a `.mlpackage`, and in those that belong to it, counted from their bytes."""
    try:
        from pocketformer.targets.coreml.card import read_card
    except ModuleNotFoundError as error:
        raise MissingExtraError("coreml", error.name or "protobuf") from error
    return read_card(path)


def unsupported(operations: Sequence[ModelOperation]) -> tuple[Refusal, ...]:
    """Return the operations of a PyTorch model that coremltools has no translation of."""
    try:
        from pocketformer.targets.coreml.translation import untranslatable

        return untranslatable(operations)
    except ModuleNotFoundError as error:
        raise MissingExtraError("coreml", error.name or "coremltools") from error


def unrealizable(plan: Plan, layers: Sequence[PlannedLayer]) -> tuple[str, ...]:
    """Return a sentence for each layer whose weight Core ML can store in no iOS as planned."""
    from pocketformer.targets.coreml.storage import unstorable

    return tuple(sentence for layer in layers if (sentence := unstorable(layer)))


def is_native() -> bool:
    """Whether packages run here with the runtime a phone has: on a Mac, with coremltools' own part for it."""
    if sys.platform != "darwin":
        return False
    found = importlib.util.find_spec("coremltools")
    folders = found.submodule_search_locations if found is not None else None
    return any(any(Path(folder).glob("libcoremlpython*")) for folder in folders or ())
