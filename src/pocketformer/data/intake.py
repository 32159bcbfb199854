"""What happened to the rows of one table, as figures and as sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pocketformer.data.repeats import Conflict
from pocketformer.data.wording import amount, listed, quoted

SHOWN_CONFLICTS = 20
_CONFLICTS_IN_SENTENCE = 3

NO_TEXT = "no text"
LABEL_ID_MINUS_ONE = "label id -1"
NO_LABEL = "no label"
DUPLICATE = "duplicate"
CONFLICTING_LABEL = "conflicting label"
REASONS = (LABEL_ID_MINUS_ONE, NO_LABEL, NO_TEXT, DUPLICATE, CONFLICTING_LABEL)


@dataclass(frozen=True, slots=True)
class Intake:
    """What happened to the rows of one table; `dataclasses.asdict` of it can be written as JSON.

    Attributes:
        path: The table, as the caller named it.
        sha256: Of the bytes that were read.
        rows: Data rows read, without the header and empty lines; equals `kept` and all of `dropped` together.
        kept: Rows that can be learned from.
        dropped: Rows left out, by reason: `no text`, `label id -1`, `no label`, `duplicate` and
            `conflicting label` (all rows of a text whose rows differ in their labels).
        duplicates: Rows that repeat a text of an earlier row with the same labels.
        conflicts: The first 20 texts that stand with different labels.
        conflict_count: How many such texts there are.
        label_counts: Kept rows per label, in label order.
        text_column: Where the texts were read from.
        label_column: Where the labels, or their ids, were read from.
        label_name_column: Where the names of the ids were read from, if there is such a column.
        header: Whether the file names its columns; else they were named here.
        max_text_bytes: Length of the longest kept text as UTF-8, in bytes.
    """

    path: str
    sha256: str
    rows: int
    kept: int
    dropped: dict[str, int]
    duplicates: int
    conflicts: tuple[Conflict, ...]
    conflict_count: int
    label_counts: dict[str, int]
    text_column: str
    label_column: str
    label_name_column: str | None
    header: bool
    max_text_bytes: int

    def sentences(self) -> list[str]:
        """Return what a person is told about the table: rows, columns, labels, conflicts."""
        said = [self._rows(), self._columns(), self._labels()]
        if self.conflict_count:
            said.append(self._conflicts())
        return said

    def _rows(self) -> str:
        return f"{amount(self.rows, 'row')} read, {self.kept:,} kept; {dropped_phrase(self.dropped)}."

    def _columns(self) -> str:
        if not self.header:
            return (
                "The first row was read as data, not as a header: "
                f"the columns were named {quoted(self.text_column)} and {quoted(self.label_column)}."
            )
        names = f" with the names in {quoted(self.label_name_column)}" if self.label_name_column else ""
        labels = f"labels from column {quoted(self.label_column)}{names}"
        return f"Texts from column {quoted(self.text_column)}, {labels}."

    def _labels(self) -> str:
        smallest = min(self.label_counts, key=self.label_counts.__getitem__)
        largest = max(self.label_counts, key=self.label_counts.__getitem__)
        return (
            f"{amount(len(self.label_counts), 'label')}: from {amount(self.label_counts[smallest], 'row')} "
            f"({quoted(smallest)}) to {amount(self.label_counts[largest], 'row')} ({quoted(largest)}); "
            f"the longest text has {amount(self.max_text_bytes, 'byte')}."
        )

    def _conflicts(self) -> str:
        shown = "; ".join(_example(conflict) for conflict in self.conflicts[:_CONFLICTS_IN_SENTENCE])
        more = self.conflict_count - _CONFLICTS_IN_SENTENCE
        tail = f"; and {more:,} more" if more > 0 else ""
        subject = "1 text stands" if self.conflict_count == 1 else f"{self.conflict_count:,} texts stand"
        return f"{subject} with different labels and none of those rows was kept: {shown}{tail}."


def dropped_phrase(dropped: Mapping[str, int]) -> str:
    """Return the dropped rows as part of a sentence: `dropped: 12 with label id -1, 8 without text`."""
    parts = [_reason(reason, dropped[reason]) for reason in REASONS if dropped.get(reason)]
    return "dropped: " + ", ".join(parts) if parts else "none dropped"


def _reason(reason: str, count: int) -> str:
    phrases = {
        NO_TEXT: "without text",
        LABEL_ID_MINUS_ONE: "with label id -1",
        NO_LABEL: "without label",
        CONFLICTING_LABEL: "with conflicting labels",
    }
    return amount(count, reason) if reason == DUPLICATE else f"{count:,} {phrases[reason]}"


def _example(conflict: Conflict) -> str:
    pairs = zip(conflict.rows, conflict.labels, strict=True)
    return f"{quoted(conflict.text)} ({listed(f'row {row:,}: {quoted(label)}' for row, label in pairs)})"
