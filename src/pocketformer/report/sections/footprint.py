"""Footprint: what each file costs to load and to hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketformer.report import figures
from pocketformer.report.blocks import Column, Section, Table

if TYPE_CHECKING:
    from pocketformer.edition import Edition

__all__ = ["footprint_section"]


def footprint_section(edition: Edition) -> Section | None:
    """Return what each file costs to load and to hold."""
    if edition.bench is None or not edition.bench.footprints:
        return None
    columns = (
        Column("File", numeric=False, code=True),
        Column("Size, MB"),
        Column("Zipped, MB"),
        Column("Load, ms"),
        Column("First text, ms"),
        Column("Memory after one short text, MB"),
        Column("Memory after every signature, MB"),
    )
    rows = tuple(
        (
            footprint.file,
            figures.megabytes(footprint.size_bytes),
            figures.megabytes(footprint.zipped_bytes),
            figures.significant(footprint.load_ms),
            figures.significant(footprint.first_text_ms),
            figures.megabytes(footprint.memory_bytes),
            figures.megabytes(footprint.all_memory_bytes),
        )
        for footprint in edition.bench.footprints
    )
    note = (
        "Each file in a fresh process. The first text allocates and packs the weights. "
        "Memory is the peak above that of the empty runtime."
    )
    return Section("footprint", "Footprint", [Table("Loading and memory", columns, rows, note)])
