"""The compact table of an edition's files, for a README or a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketformer.report import figures, markdown
from pocketformer.report.blocks import Column, Table
from pocketformer.report.lookups import (
    FIXED_LENGTH,
    fewest_threads,
    footprint_of,
    shortest_text_tokens,
    timing_of,
)

if TYPE_CHECKING:
    from pocketformer.edition import Edition, EditionFile

__all__ = ["summary_table"]


def summary_table(edition: Edition) -> str:
    """Return a Markdown table with one row per file; columns nothing is known of are left out."""
    tokens = shortest_text_tokens(edition)
    unit = "hidden state" if edition.kind == "encoder" else "logit"
    columns = (
        Column("file", numeric=False),
        Column("MB"),
        Column("zipped MB"),
        Column("accuracy, %"),
        Column(f"mean rel. {unit} error, %"),
        Column("ms" if tokens is None else f"ms, {tokens} tokens"),
        Column("× faster than the fixed-length fp32 file"),
        Column("CPU, %"),
        Column("memory, MB"),
        Column("runs from", numeric=False),
    )
    rows = tuple(_row(edition, file) for file in edition.files)
    return markdown.table(Table("", columns, rows).without_empty_columns())


def _row(edition: Edition, file: EditionFile) -> tuple[str, ...]:
    tokens, threads = shortest_text_tokens(edition), fewest_threads(edition)
    timing = timing_of(edition, file.file, tokens, threads)
    fixed = timing_of(edition, FIXED_LENGTH, tokens, threads)
    footprint = footprint_of(edition, file.file)
    verdict = file.verdict
    quality = None if verdict is None else verdict.quality
    return (
        file.file,
        figures.megabytes(file.size_bytes),
        figures.megabytes(file.zipped_bytes),
        figures.percent(None if quality is None else quality.accuracy),
        figures.error(None if verdict is None else verdict.parity.mean_relative_error * 100),
        figures.significant(None if timing is None else timing.median_ms),
        figures.significant(
            None if timing is None or fixed is None else fixed.median_ms / timing.median_ms, 2
        ),
        figures.significant(None if footprint is None else footprint.cpu_percent),
        figures.megabytes(None if footprint is None else footprint.memory_bytes),
        file.oldest_runtime,
    )
