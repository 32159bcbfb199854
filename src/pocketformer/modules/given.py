"""A given model file, ours or not, quantised and held against itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pocketformer import files
from pocketformer.bench.footprint import zipped_bytes, zstd_bytes
from pocketformer.checks.plans import computes_in_half, plan_of
from pocketformer.checks.tolerances import output_tolerance
from pocketformer.checks.verdict import REJECTED_SUFFIX
from pocketformer.errors import RecipeError, VerificationError
from pocketformer.modules.comparison import Comparison, compare_files
from pocketformer.modules.samples import samples_for
from pocketformer.plan import Plan, as_plan
from pocketformer.targets import FileCard, target_of

# Dtypes of weights, the fewest bits first → the plan whose tolerance a file of unknown making gets.
_PLANS = {"int2": "w2-e2-a8", "int4": "w4-e4-a8", "uint4": "w4-e4-a8", "int8": "int8", "float16": "fp16"}


@dataclass(frozen=True, slots=True)
class QuantizedFile:
    """A file that was quantised and found good.

    Attributes:
        path: The file.
        original: What it was made from.
        plan: What its weights were stored by.
        size_bytes: On disk.
        original_bytes: Of what it was made from.
        zipped_bytes: Deflated, as in a zip or an app package.
        zstd_bytes: Compressed with zstd at its highest level.
        comparison: How far its outputs are from the original's.
        tolerance: The relative error that was allowed.
        card: What is in it.
    """

    path: Path
    original: Path
    plan: Plan
    size_bytes: int
    original_bytes: int
    zipped_bytes: int
    zstd_bytes: int
    comparison: Comparison
    tolerance: float
    card: FileCard


def quantize_file(
    source: Path,
    path: Path,
    plan: Plan | str | Path = "int8",
    *,
    inputs: Path | None = None,
    tolerance: float | None = None,
) -> QuantizedFile:
    """Write a float32 `.tflite` or `.onnx` with its weights in a plan's formats, proven against the original.

    Args:
        source: The file, ours or anybody's; it is only read.
        path: For the new one, of the same format.
        plan: Its name, its file, or itself.
        inputs: An `.npz` to compare on; random inputs when None.
        tolerance: Largest relative error of an output; that of the plan when left out.

    Raises:
        RecipeError: No such plan, other formats of file, or one whose weights stay as they are.
        ExportError: The file cannot hold the plan.
        VerificationError: The new file is further from the original than allowed; it is kept under a
            `.rejected` name.
    """
    plan, target = as_plan(plan), target_of(source)
    rewrite = getattr(target, "rewrite", None)
    if rewrite is None or target_of(path) is not target or source.resolve() == path.resolve():
        raise RecipeError(
            f"{source} cannot be quantised to {path}: give a .tflite and another .tflite, or an .onnx and "
            "another .onnx."
        )
    rejected = path.with_name(path.name + REJECTED_SUFFIX)
    rewrite(source, plan, rejected)
    comparison = compare_files(rejected, source, samples_for(source, inputs))
    allowed = output_tolerance(plan, rounded=True) if tolerance is None else tolerance
    if not comparison.worst.relative_error <= allowed:
        raise VerificationError(
            f"{comparison} At most {allowed:.2%} is allowed under the plan {plan.name!r}; the file is kept "
            f"as {rejected}. Real inputs (--inputs) may tell another story than random ones."
        )
    files.move(rejected, path)
    return QuantizedFile(
        path=path,
        original=source,
        plan=plan,
        size_bytes=files.size_bytes(path),
        original_bytes=files.size_bytes(source),
        zipped_bytes=zipped_bytes(path),
        zstd_bytes=zstd_bytes(path),
        comparison=comparison,
        tolerance=allowed,
        card=target.describe(path),
    )


def judge_file(
    path: Path, original: Path, inputs: Path | None = None, tolerance: float | None = None
) -> tuple[Comparison, float]:
    """Hold a model file against the one it was made from.

    Args:
        path: The file that is judged, of any format.
        original: What it was made from, of any format.
        inputs: An `.npz` to compare on; random inputs when None.
        tolerance: Largest relative error of an output; by the file's plan, or its weights, when left out.

    Returns:
        The differences, and the relative error that is allowed.

    Raises:
        FileFormatError: One of them cannot be opened.
        InputError: They have no signature in common, or different outputs.
    """
    comparison = compare_files(path, original, samples_for(original, inputs))
    if tolerance is not None:
        return comparison, tolerance
    target = target_of(path)
    plan = _plan_of(target.describe(path))
    return comparison, output_tolerance(plan, half=computes_in_half(target, plan), rounded=True)


def _plan_of(card: FileCard) -> Plan:
    """Return the plan that a file tells, or the one that its weights look like."""
    if "precision" in card.metadata or "plan" in card.metadata:
        return plan_of(card)
    return Plan.named(next((plan for dtype, plan in _PLANS.items() if dtype in card.weight_bytes), "fp32"))
