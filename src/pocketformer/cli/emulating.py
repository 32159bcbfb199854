"""What `verify --arch` does: the files of an edition on processors that this machine does not have."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pocketformer.cli.console import Screen, next_step, out, own_stderr, show_json, show_table
from pocketformer.cli.given import is_model_file
from pocketformer.errors import VerificationError

if TYPE_CHECKING:
    from pocketformer.edition import Edition

Architecture = Annotated[
    str | None,
    typer.Option("--arch", help="Run the .tflite files on emulated processors instead: arm64 (slow)."),
]
Root = Annotated[
    Path | None,
    typer.Option(help="With --arch: a folder with an arm64 Linux; by default one is made in the cache."),
]
Processors = Annotated[
    list[str] | None,
    typer.Option("--cpu", help="With --arch: cortex-a53, cortex-a76, armv9; all three when left out."),
]
Sample = Annotated[
    int,
    typer.Option(
        min=0, help="With --arch: how many texts are classified, 0 for all; ids are compared on all."
    ),
]


def verify_on_processors(
    dist: Path,
    architecture: str,
    options: tuple[Path | None, list[str] | None, int],
    data: Path | None,
    columns: tuple[str | None, str | None, str | None, str | None],
    json: bool,
) -> None:
    """Run an edition's LiteRT files, or one of them, on emulated processors, and show what was found.

    Args:
        dist: The edition's directory, or one file in it.
        architecture: Of the processors.
        options: A root, names of processors, and how many texts are classified.
        data: A table of rows; None takes the golden texts.
        columns: Names of its columns: text, label, names of label ids, separator.
        json: Print the verdicts as JSON.
    """
    with own_stderr():
        from pocketformer import pipeline
        from pocketformer.checks.emulation import DEFAULT_PROCESSORS
        from pocketformer.data import Columns, read_labeled_texts
        from pocketformer.edition import Edition
        from pocketformer.report import write_report

    screen = Screen()
    folder = dist.parent if is_model_file(dist) else dist
    only = (dist.name,) if is_model_file(dist) else ()
    edition = Edition.load(folder)
    rows = None
    if data is not None:
        rows, intake = read_labeled_texts(data, Columns(*columns), labels=edition.labels)
        for sentence in intake.sentences():
            screen.say(sentence)
    root, names, sample = options
    request = pipeline.EmulationRequest(
        architecture, root, tuple(names or DEFAULT_PROCESSORS), sample or None, only
    )
    missed = None
    try:
        edition = pipeline.verify_emulated(edition, folder, rows, request, screen)
    except VerificationError as error:
        missed, edition = error, Edition.load(folder)
    if json:
        show_json({entry.file: entry.processors for entry in edition.files if entry.processors})
    else:
        _show(edition)
        write_report(edition, folder)
        out.print(f"Wrote the verdicts into {folder / 'edition.json'} and the report", markup=False)
        next_step(f"pocketformer bench {folder} --device")
    if missed is not None:
        raise missed


def _show(edition: Edition) -> None:
    columns = [
        "file", "processor", "sees", "ids equal", "label as here", "max |Δ|", "mean rel. Δ", "max error",
        "mean rel. error", "s", "",
    ]  # fmt: skip
    show_table(
        f"{edition.name} on emulated processors: logits, Δ to this machine, error to PyTorch",
        columns,
        [
            [
                entry.file,
                found.processor,
                " ".join(found.features) or "none of note",
                f"{found.texts - found.token_mismatches} of {found.texts}",
                "" if found.labels_equal is None else f"{found.labels_equal} of {found.classified}",
                f"{found.max_difference:.2g}",
                f"{found.mean_relative_difference:.2g}",
                f"{found.max_error:.2g}",
                f"{found.mean_relative_error:.2g}",
                f"{found.seconds:.0f}",
                "✓ passed" if found.passed else "✗ missed",
            ]
            for entry in edition.files
            for found in entry.processors
        ],
    )
