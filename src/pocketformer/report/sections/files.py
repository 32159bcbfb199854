"""The main table, one row per file, and what a megabyte buys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketformer.report import figures
from pocketformer.report.blocks import Block, Column, Paragraph, Plot, Section, Table
from pocketformer.report.lookups import (
    fewest_threads,
    footprint_of,
    reference_quality,
    shortest_text_tokens,
    timing_of,
)
from pocketformer.report.size_plots import Dot, size_accuracy_plot

if TYPE_CHECKING:
    from pocketformer.checks import Verdict
    from pocketformer.edition import Edition, EditionFile
    from pocketformer.train import Metrics

__all__ = ["files_section", "size_section"]

_PASSED, _MISSED, _UNVERIFIED = "✓ passed", "✗ missed", "not verified"


def files_section(edition: Edition) -> Section | None:
    """Return the main table."""
    if not edition.files:
        return None
    rows = tuple(_row(edition, file) for file in edition.files)
    table = Table("One row per file", _columns(edition), rows, _note(edition)).without_empty_columns()
    return Section("files", "Files", [*_reference(edition), table])


def size_section(edition: Edition) -> Section | None:
    """Return the plot of accuracy over size."""
    dots = [
        Dot(
            file.precision,
            file.format,
            file.size_bytes / 1e6,
            file.zipped_bytes / 1e6,
            quality.accuracy * 100,
        )
        for file in edition.files
        if (quality := _quality(file.verdict)) is not None
    ]
    if not dots:
        return None
    reference = reference_quality(edition)
    said = "; ".join(f"{dot.plan} {dot.format} {dot.size:.1f} MB, {dot.accuracy:.2f} %" for dot in dots)
    plot = Plot(
        "Accuracy on the held-out rows over size, all plans and formats. Filled: on disk; hollow: zipped.",
        f"Accuracy over size: {said}.",
        size_accuracy_plot(dots, None if reference is None else reference.accuracy * 100),
    )
    return Section("size", "Size and accuracy", [plot])


def _columns(edition: Edition) -> tuple[Column, ...]:
    tokens, threads = shortest_text_tokens(edition), fewest_threads(edition)
    unit = "hidden state" if edition.kind == "encoder" else "logit"
    return (
        Column("File", numeric=False, code=True),
        Column("Verdict", numeric=False),
        Column("Size, MB"),
        Column("Zipped, MB"),
        Column("Accuracy, %"),
        Column("Δ to PyTorch, points"),
        Column("Macro-F1, %"),
        Column("Token ids equal"),
        Column(f"Max |Δ {unit}|"),
        Column(f"Mean relative {unit} error, %"),
        Column("Top-1 agreement, %"),
        Column(f"ms, {tokens} tokens, {figures.threads(threads)}"),
        Column("Memory, MB"),
        Column("Runs from", numeric=False),
    )


def _row(edition: Edition, file: EditionFile) -> tuple[str, ...]:
    timing = timing_of(edition, file.file, shortest_text_tokens(edition), fewest_threads(edition))
    footprint = footprint_of(edition, file.file)
    return (
        file.file,
        _UNVERIFIED if file.verdict is None else _PASSED if file.verdict.passed else _MISSED,
        figures.megabytes(file.size_bytes),
        figures.megabytes(file.zipped_bytes),
        *_quality_cells(file.verdict),
        *_parity_cells(file.verdict, edition.kind),
        figures.significant(None if timing is None else timing.median_ms),
        figures.megabytes(None if footprint is None else footprint.memory_bytes),
        file.oldest_runtime,
    )


def _quality_cells(verdict: Verdict | None) -> tuple[str, str, str]:
    quality = _quality(verdict)
    if verdict is None or quality is None:
        return (figures.ABSENT,) * 3
    reference = verdict.reference_quality
    difference = None if reference is None else quality.accuracy - reference.accuracy
    return figures.percent(quality.accuracy), figures.points(difference), figures.percent(quality.macro_f1)


def _parity_cells(verdict: Verdict | None, kind: str) -> tuple[str, str, str, str]:
    if verdict is None:
        return (figures.ABSENT,) * 4
    parity = verdict.parity
    return (
        f"{parity.texts - parity.token_mismatches:,} of {parity.texts:,}"
        if parity.takes_text
        else figures.ABSENT,
        figures.error(parity.max_logit_error),
        figures.error(parity.mean_relative_error * 100),
        figures.ABSENT if kind == "encoder" else figures.percent(parity.top1_agreement),
    )


def _quality(verdict: Verdict | None) -> Metrics | None:
    return None if verdict is None else verdict.quality


def _reference(edition: Edition) -> list[Block]:
    quality = reference_quality(edition)
    if quality is None:
        return []
    rows = max(file.verdict.parity.texts for file in edition.files if file.verdict is not None)
    meaning = " (every label of a text right)" if edition.multi_label else ""
    return [
        Paragraph(
            f"For comparison, the PyTorch model on the same {rows:,} held-out rows: "
            f"{figures.percent(quality.accuracy)} % accuracy{meaning}, "
            f"{figures.percent(quality.macro_f1)} % macro-F1."
        )
    ]


def _note(edition: Edition) -> str:
    said = ["1 MB is a million bytes; zipped is about what a store lets a user download."]
    if any(file.verdict is not None for file in edition.files):
        said.append(
            "Errors are largest differences over the norm of PyTorch's hidden states."
            if edition.kind == "encoder"
            else "Relative logit error: per text, the largest difference over PyTorch's largest logit."
        )
    if edition.bench is not None:
        said.append(
            "Milliseconds are medians from text to scores on the machine named under Latency; "
            "memory is the peak above the empty runtime's after one short text."
        )
    said.append("Runs from: the first release that has every operation of the file.")
    return " ".join(said)
