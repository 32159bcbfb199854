"""Footprint: what each file costs to load, to hold and to run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketformer.report import figures
from pocketformer.report.blocks import Bullets, Column, Section, Table

if TYPE_CHECKING:
    from pocketformer.bench import Footprint
    from pocketformer.edition import Edition

__all__ = ["footprint_section"]

_UNREADABLE = "not readable"


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
        Column("CPU, %"),
        Column("Energy per text, mJ"),
        Column("with idle, mJ"),
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
            _whole(footprint.cpu_percent),
            _energy(footprint),
            figures.significant(footprint.energy_with_idle_mj),
        )
        for footprint in edition.bench.footprints
    )
    note = (
        "Each file in a fresh process. The first text allocates and packs the weights. "
        "Memory is the peak above that of the empty runtime. CPU is processor time over time while one short "
        "text runs again and again on one thread: a whole core is 100 %, less where other programs take "
        "turns."
    )
    table = Table("Loading, memory, processor and energy", columns, rows, note).without_empty_columns()
    told = tuple(dict.fromkeys(one.energy_note for one in edition.bench.footprints if one.energy_note))
    return Section("footprint", "Footprint", [table, *([Bullets(told)] if told else [])])


def _whole(value: float | None) -> str:
    return figures.ABSENT if value is None else f"{value:.0f}"


def _energy(footprint: Footprint) -> str:
    """Return millijoules; what could not be read says so, and what an earlier version left out is absent."""
    if footprint.energy_mj is None and footprint.energy_note:
        return _UNREADABLE
    return figures.significant(footprint.energy_mj)
