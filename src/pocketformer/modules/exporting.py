"""Any PyTorch module as a model file, run from its saved bytes before it is delivered."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from pocketformer import files
from pocketformer.bench.footprint import zipped_bytes, zstd_bytes
from pocketformer.checks.plans import computes_in_half
from pocketformer.checks.tolerances import output_tolerance
from pocketformer.checks.verdict import REJECTED_SUFFIX
from pocketformer.errors import VerificationError
from pocketformer.modules.comparison import Comparison, Runner, compare
from pocketformer.modules.folding import fold_norms
from pocketformer.modules.naming import Examples, named_examples, program_of
from pocketformer.plan import Plan, as_plan, bake
from pocketformer.program import ClampedEmbedding, Program
from pocketformer.targets import (
    NO_OPTIONS,
    Arrays,
    ExportOptions,
    FileCard,
    Target,
    target_named,
    target_of,
)


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A model file that was written, run and found good.

    Attributes:
        path: The file.
        plan: What its weights were stored by.
        size_bytes: On disk.
        zipped_bytes: Deflated, as in a zip or an app package.
        zstd_bytes: Compressed with zstd at its highest level.
        comparison: How far its outputs are from the PyTorch module's, whose weights are on the plan's grid.
        tolerance: The relative error that was allowed.
        card: What is in it.
    """

    path: Path
    plan: Plan
    size_bytes: int
    zipped_bytes: int
    zstd_bytes: int
    comparison: Comparison
    tolerance: float
    card: FileCard

    @property
    def error(self) -> float:
        """The relative error of the worst output."""
        return self.comparison.worst.relative_error


def export(
    module: nn.Module,
    example_inputs: Examples,
    path: str | Path,
    *,
    plan: Plan | str | Path = "int8",
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    signature: str = "serving_default",
    samples: Sequence[Examples] = (),
    tolerance: float | None = None,
    options: ExportOptions = NO_OPTIONS,
) -> ExportedFile:
    """Write a module as a model file, and prove the file against PyTorch.

    The file takes inputs of the examples' shapes. Its weights are those of the module on the plan's grid; a
    module that was trained on that grid is stored as it is. The saved file is then run on the examples.

    Args:
        module: Made of what the format has operations for; left as it is.
        example_inputs: float32 or int32 tensors by name, or in the order of `forward`.
        path: Ends in .tflite, .onnx or .mlpackage, which chooses the format.
        plan: Which layer gets which bits: a name such as "int8" or "w4-e8-a8", a plan file, or a plan.
        input_names: For examples without names; those of `forward` when left out.
        output_names: For outputs without names; `output` when left out.
        signature: What the file calls its entry point.
        samples: Further inputs that it is proven on, like the examples.
        tolerance: Largest relative error of an output; that of the plan when left out.
        options: What the file must keep to.

    Raises:
        ExportError: Names or examples that do not fit, or a module that the format cannot hold.
        RecipeError: No such plan, or one that does not fit the module.
        VerificationError: The file misses its tolerance; it is kept under a `.rejected` name.
    """
    path = Path(path)
    target, plan = target_of(path), as_plan(plan)
    names = (input_names, output_names, signature)
    program, tried = _prepared(module, example_inputs, samples, plan, *names)
    return _export(target, path, program, tried, plan, tolerance, options)


def export_all(
    module: nn.Module,
    example_inputs: Examples,
    directory: str | Path,
    *,
    name: str | None = None,
    targets: Sequence[str] = ("litert", "onnx", "coreml"),
    plan: Plan | str | Path = "int8",
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    signature: str = "serving_default",
    samples: Sequence[Examples] = (),
    tolerance: float | None = None,
) -> tuple[ExportedFile, ...]:
    """Write a module in several formats, as `export` does: DIRECTORY/NAME.int8.tflite and so on.

    Args:
        directory: For the files.
        name: Of the files; the directory's when left out.
        targets: Formats.
        module: See `export`, like all others.
        example_inputs: The same.
        plan: The same.
        input_names: The same.
        output_names: The same.
        signature: The same.
        samples: The same.
        tolerance: The same.
    """
    directory, plan = Path(directory), as_plan(plan)
    stem = name or directory.resolve().name
    found = [target_named(one) for one in targets]
    names = (input_names, output_names, signature)
    program, tried = _prepared(module, example_inputs, samples, plan, *names)
    return tuple(
        _export(
            target,
            directory / f"{stem}.{plan.name}{target.suffixes[0]}",
            program,
            tried,
            plan,
            tolerance,
            NO_OPTIONS,
        )
        for target in found
    )


def _prepared(
    module: nn.Module,
    example_inputs: Examples,
    samples: Sequence[Examples],
    plan: Plan,
    input_names: Sequence[str] | None,
    output_names: Sequence[str] | None,
    signature: str,
) -> tuple[Program, list[Arrays]]:
    """Return the program of a copy of the module on the plan's grid, and what it is tried with."""
    examples = named_examples(module, example_inputs, input_names)
    ready = fold_norms(copy.deepcopy(module).cpu().eval())
    for name, part in list(ready.named_modules()):
        if name and type(part) is nn.Embedding:
            ready.set_submodule(name, ClampedEmbedding(part))
    bake(ready, plan)
    program = program_of(ready, examples, output_names=output_names, signature=signature)
    given = [examples, *(named_examples(module, one, input_names) for one in samples)]
    return program, [{name: value.numpy() for name, value in one.items()} for one in given]


def _export(
    target: Target,
    path: Path,
    program: Program,
    tried: Sequence[Arrays],
    plan: Plan,
    tolerance: float | None,
    options: ExportOptions,
) -> ExportedFile:
    rejected = path.with_name(path.name + REJECTED_SUFFIX)
    # Written under the name of what failed, and given its own when it has not.
    target.export(program, plan, rejected, options)
    (signature,) = program.signatures
    session = target.open(rejected)
    comparison = compare(session.run, _reference(program), {signature.name: tried})
    allowed = output_tolerance(plan, half=computes_in_half(target, plan)) if tolerance is None else tolerance
    if not comparison.worst.relative_error <= allowed:
        raise VerificationError(
            f"{comparison} At most {allowed:.2%} is allowed under the plan {plan.name!r}; the file is kept "
            f"as {rejected}."
        )
    del session
    files.move(rejected, path)
    return ExportedFile(
        path=path,
        plan=plan,
        size_bytes=files.size_bytes(path),
        zipped_bytes=zipped_bytes(path),
        zstd_bytes=zstd_bytes(path),
        comparison=comparison,
        tolerance=allowed,
        card=target.describe(path),
    )


def _reference(program: Program) -> Runner:
    """Return what runs a program's module in PyTorch, arrays in and out."""
    modules = {signature.name: signature.module for signature in program.signatures}

    def run(signature: str, inputs: Mapping[str, np.ndarray]) -> Arrays:
        with torch.inference_mode():
            given = modules[signature](**{name: torch.from_numpy(value) for name, value in inputs.items()})
        return {name: value.numpy() for name, value in given.items()}

    return run
