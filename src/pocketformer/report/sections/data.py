"""The rows: what was read, kept and dropped, and how many stood on each side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketformer.report import figures
from pocketformer.report.blocks import Block, Bullets, Column, Section, Table

if TYPE_CHECKING:
    from pocketformer.data import Conflict, Intake
    from pocketformer.edition import DataSection, Edition

__all__ = ["data_section"]

_SIDES = {"train": "to train on", "dev": "to stop on (dev)", "test": "held out (test)"}


def data_section(edition: Edition) -> Section | None:
    """Return what happened to the tables."""
    data = edition.data
    if data is None:
        return None
    intakes = {name: intake for name, intake in (("Training", data.train), ("Test", data.test)) if intake}
    blocks: list[Block] = []
    if intakes:
        blocks.append(
            Bullets(tuple(f"{item.path}: {' '.join(item.sentences())}" for item in intakes.values()))
        )
    if data.rows:
        blocks.append(_sides(data))
    if intakes:
        blocks += [_intakes(intakes), _labels(edition.labels, intakes)]
    blocks += [_conflicts(intake) for intake in intakes.values() if intake.conflicts]
    return Section("data", "Data", blocks) if blocks else None


def _sides(data: DataSection) -> Table:
    rows = [(f"Rows {_SIDES.get(side, side)}", figures.count(number)) for side, number in data.rows.items()]
    rows.append(("Training rows left out because their text is also held out", figures.count(data.overlap)))
    return Table("Sides", (Column("Side", numeric=False), Column("Rows")), tuple(rows))


def _intakes(intakes: dict[str, Intake]) -> Table:
    reasons = dict.fromkeys(reason for intake in intakes.values() for reason in intake.dropped)
    lines = {
        "Rows read": [intake.rows for intake in intakes.values()],
        "Rows kept": [intake.kept for intake in intakes.values()],
        **{
            f"Rows dropped: {reason}": [intake.dropped.get(reason, 0) for intake in intakes.values()]
            for reason in reasons
        },
        "Texts that stand with different labels": [intake.conflict_count for intake in intakes.values()],
        "Longest kept text, bytes": [intake.max_text_bytes for intake in intakes.values()],
    }
    columns = (Column("Counted", numeric=False), *(Column(f"{name} table") for name in intakes))
    rows = tuple((title, *map(figures.count, numbers)) for title, numbers in lines.items())
    digests = "; ".join(f"{name.lower()} table {intake.sha256}" for name, intake in intakes.items())
    return Table("Tables as read", columns, rows, f"SHA-256: {digests}.")


def _labels(labels: tuple[str, ...], intakes: dict[str, Intake]) -> Table:
    names = dict.fromkeys([*labels, *(name for intake in intakes.values() for name in intake.label_counts)])
    columns = (
        Column("Label", numeric=False, prose=True),
        *(Column(f"{name} table, rows") for name in intakes),
    )
    rows = tuple(
        (name, *(figures.count(intake.label_counts.get(name, 0)) for intake in intakes.values()))
        for name in names
    )
    return Table("Kept rows per label", columns, rows)


def _conflicts(intake: Intake) -> Table:
    columns = (
        Column("Text", numeric=False, prose=True),
        Column("Labels", numeric=False, prose=True),
        Column("Rows", numeric=False),
    )
    rows = tuple(_conflict(conflict) for conflict in intake.conflicts)
    more = intake.conflict_count - len(rows)
    note = f"And {more:,} more." if more > 0 else ""
    return Table(f"Texts with different labels, none of them kept: {intake.path}", columns, rows, note)


def _conflict(conflict: Conflict) -> tuple[str, str, str]:
    labels, rows = " · ".join(conflict.labels), ", ".join(map(figures.count, conflict.rows))
    return figures.excerpt(conflict.text), labels, rows
