"""Where the smallest passing file is wrong: its confusion matrix and its most confident mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketformer.report import figures
from pocketformer.report.blocks import Block, Column, Heatmap, Paragraph, Section, Table
from pocketformer.report.lookups import smallest_passing

if TYPE_CHECKING:
    from pocketformer.edition import Edition

__all__ = ["confusion_section", "mistakes_section"]

_MOST_NUMBERED_LABELS = 20
_MOST_CONFUSED = 15


def confusion_section(edition: Edition) -> Section | None:
    """Return the confusion matrix; one of many labels comes with its most confused pairs."""
    file = smallest_passing(edition)
    if file is None or not file.confusion:
        return None
    counts = tuple(tuple(row) for row in file.confusion)
    numbered = len(edition.labels) <= _MOST_NUMBERED_LABELS
    caption = "Rows: the true label; columns: what the file says. Shaded by the share of the row's texts."
    blocks: list[Block] = [
        Paragraph(f"Of {file.file}, the smallest file that passed, on the held-out rows."),
        Heatmap(caption, edition.labels, counts, numbered),
    ]
    pairs = _confused_pairs(edition.labels, counts)
    if not numbered and pairs.rows:
        blocks.append(pairs)
    return Section("confusion", "Confusion matrix", blocks)


def mistakes_section(edition: Edition) -> Section | None:
    """Return the misclassified rows the file is surest of."""
    file = smallest_passing(edition)
    if file is None or not file.mistakes:
        return None
    columns = (
        Column("Text", numeric=False, prose=True),
        Column("Expected", numeric=False, prose=True),
        Column("Predicted", numeric=False, prose=True),
        Column("Score, %"),
        Column("Score of the expected, %"),
    )
    rows = tuple(
        (
            figures.excerpt(mistake.text),
            mistake.expected,
            mistake.predicted,
            figures.percent(mistake.score),
            figures.percent(mistake.expected_score),
        )
        for mistake in file.mistakes
    )
    table = Table(f"Wrong, and most certain of it: {file.file}", columns, rows)
    why = "Wrong labels in the table tend to stand here first: read these rows before training longer."
    return Section("mistakes", "Hardest rows", [Paragraph(why), table])


def _confused_pairs(labels: tuple[str, ...], counts: tuple[tuple[int, ...], ...]) -> Table:
    pairs = [
        (count, labels[row], labels[column])
        for row, line in enumerate(counts)
        for column, count in enumerate(line)
        if count and row != column
    ]
    pairs.sort(key=lambda pair: (-pair[0], pair[1], pair[2]))
    columns = (
        Column("Expected", numeric=False, prose=True),
        Column("Predicted", numeric=False, prose=True),
        Column("Rows"),
    )
    rows = tuple((expected, predicted, f"{count:,}") for count, expected, predicted in pairs[:_MOST_CONFUSED])
    more = len(pairs) - len(rows)
    note = f"And {more:,} more pairs, none of them more often than the last one here." if more > 0 else ""
    return Table("Most confused pairs", columns, rows, note)
