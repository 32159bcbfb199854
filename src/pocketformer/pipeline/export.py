"""Writing the files of a checkpoint, and the `edition.json` that lists them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from safetensors import safe_open

from pocketformer import __version__, files
from pocketformer.checkpoint import is_classifier, local_directory
from pocketformer.edition import Edition, EditionFile
from pocketformer.errors import RecipeError
from pocketformer.pipeline.device import with_phones_kept
from pocketformer.pipeline.entries import kept_or_written
from pocketformer.pipeline.environment import environment
from pocketformer.pipeline.golden import write_golden
from pocketformer.pipeline.half import halves, measured_range, refuse_overflow
from pocketformer.pipeline.ledger import key_of
from pocketformer.pipeline.lookups import file_metadata
from pocketformer.pipeline.observer import Observer
from pocketformer.pipeline.plans import planned_files
from pocketformer.plan import Plan
from pocketformer.program import Program, Shapes
from pocketformer.recipe import ExportRecipe
from pocketformer.targets import ExportOptions, Target, target_named

_WEIGHTS = "model.safetensors"
_TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "tokenizer_config.json", "config.json")


def export_checkpoint(
    checkpoint: str,
    directory: Path,
    name: str,
    recipe: ExportRecipe,
    base: str,
    observer: Observer,
    texts: Sequence[str] | None = None,
) -> Edition:
    """Write a checkpoint's files, their `golden.json` and `edition.json`, without verdicts yet.

    Files that an earlier run wrote from the same checkpoint and settings are kept.

    Args:
        checkpoint: Directory or hub id.
        directory: Where the edition goes.
        name: Files are called `NAME.int8.tflite`.
        recipe: Formats, plans, lengths and limits. A plan that a format cannot hold is left out there.
        base: What the checkpoint was made from, for the files' provenance.
        observer: Told of each file.
        texts: Real ones, on which the model must stay in float16's range where a file computes in it; our
            sample texts when None.

    Raises:
        CheckpointError: The checkpoint cannot be used.
        TokenizerError: Its tokenizer cannot run inside a file.
        ExportError: A target cannot write it, or not within the recipe's limits.
    """
    is_classifier(checkpoint)  # refuses what is no checkpoint before anything is read from it
    source = local_directory(checkpoint)
    planned = planned_files(recipe, str(source), observer)
    weights = files.sha256(source / _WEIGHTS)
    inputs = [weights, _tokenizer_digests(source), recipe.lengths, recipe.max_bytes, base]
    shapes = Shapes(recipe.lengths, recipe.max_bytes)
    if half := halves(planned):
        found = measured_range(str(source), shapes, texts, directory, key_of(*inputs), observer)
        refuse_overflow(found, recipe.keep_fp32, half)
    programs: list[Program] = []  # built when the first file needs it

    def program() -> Program:
        if not programs:
            provenance = {"pocketformer": __version__, "base": base, "checkpoint_sha256": weights}
            programs.append(Program.from_checkpoint(str(source), shapes, provenance))
        return programs[0]

    entries = []
    for target_name, plan in planned:
        target = target_named(target_name)
        options = recipe.options_for(target)
        path = directory / f"{name}.{plan.name}{target.suffixes[0]}"
        key = key_of(*inputs, plan.model_dump(mode="json"), options)
        write = partial(_export, target, program, plan, path, options)
        entries.append(kept_or_written(path, target_name, plan, key, write, observer))
    if recipe.mediapipe:
        entries.append(_for_mediapipe(recipe, directory / name, program, source, key_of(*inputs), observer))
    sizes = (tuple(recipe.lengths), shapes.text_bytes)
    write_golden(str(source), name, sizes, directory, key_of(*inputs), observer)
    edition = _edition(name, base, checkpoint, source, directory, entries, weights)
    edition = with_phones_kept(edition, directory)
    edition.save(directory)
    return edition


def _export(
    target: Target, program: Callable[[], Program], plan: Plan, path: Path, options: ExportOptions
) -> None:
    with program().baked(plan):
        target.export(program(), plan, path, options)


def _for_mediapipe(
    recipe: ExportRecipe,
    stem: Path,
    program: Callable[[], Program],
    source: Path,
    key: str,
    observer: Observer,
) -> EditionFile:
    """Write, or keep, the file for MediaPipe's TextClassifier, in the last of the precisions LiteRT has."""
    litert = target_named("litert")
    precision = next((one for one in reversed(recipe.precisions) if one in litert.precisions), None)
    if precision is None:
        raise RecipeError(
            f"A file for MediaPipe is a LiteRT file, and {', '.join(recipe.precisions)} was asked for; "
            f"add one of the precisions {', '.join(litert.precisions)}."
        )
    options = recipe.options_for(litert)
    path = stem.with_name(f"{stem.name}.{precision}.mediapipe.tflite")

    def write() -> None:
        from pocketformer.targets.litert.mediapipe import write_mediapipe

        write_mediapipe(program(), precision, path, source, options)

    return kept_or_written(
        path, "litert", Plan.named(precision), key_of(key, precision, options), write, observer
    )


def _edition(
    name: str,
    base: str,
    checkpoint: str,
    source: Path,
    directory: Path,
    entries: list[EditionFile],
    weights: str,
) -> Edition:
    metadata = file_metadata(directory / entries[0].file)
    inside = source.resolve().is_relative_to(directory.resolve())
    return Edition(
        name=name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        kind=metadata["kind"],
        labels=tuple(metadata["labels"]),
        multi_label=metadata["multi_label"],
        base=base,
        architecture=metadata["architecture"],
        parameters=_parameters(source / _WEIGHTS),
        checkpoint=str(source.resolve().relative_to(directory.resolve())) if inside else checkpoint,
        checkpoint_sha256=weights,
        files=tuple(entries),
        environment=environment(),
    )


def _tokenizer_digests(source: Path) -> list[str]:
    return [files.sha256(source / name) for name in _TOKENIZER_FILES if (source / name).is_file()]


def _parameters(weights: Path) -> int:
    with safe_open(weights, "pt") as tensors:
        return sum(math.prod(tensors.get_slice(name).get_shape()) for name in tensors.keys())  # noqa: SIM118
