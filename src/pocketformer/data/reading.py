"""From a table file to labelled texts and the account of its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pocketformer.data.cells import Cell
from pocketformer.data.columns import Columns, FoundColumns, find_columns
from pocketformer.data.examples import LabeledTexts
from pocketformer.data.grid import Grid
from pocketformer.data.intake import (
    CONFLICTING_LABEL,
    DUPLICATE,
    LABEL_ID_MINUS_ONE,
    NO_LABEL,
    NO_TEXT,
    REASONS,
    SHOWN_CONFLICTS,
    Intake,
    dropped_phrase,
)
from pocketformer.data.labels import (
    Row,
    check_class_sizes,
    has_no_label_id,
    known_labels,
    name_labels,
)
from pocketformer.data.repeats import NamedRow, Settled, settle_repeats
from pocketformer.data.table import read_table
from pocketformer.errors import DataError

_FIND_ALL = Columns()


def read_labeled_texts(
    path: str | Path, columns: Columns = _FIND_ALL, *, labels: Sequence[str] | None = None
) -> tuple[LabeledTexts, Intake]:
    """Read a CSV, TSV, JSONL or Parquet table of texts and labels.

    Rows without text or label, or with label id -1, are dropped. Of rows with the same text (see
    `text_key`) and the same labels the first is kept; rows with the same text and different labels are
    all dropped. The intake counts and names them. A table is multi-label when `columns.separator` is
    given or its label column holds lists; a row without any label is dropped there too.

    Args:
        path: The file; its suffix names the format (.csv, .tsv, .jsonl, .ndjson, .parquet).
        columns: The columns, as far as the caller names them.
        labels: The label set of the training table, for a table to test on. A row with another label
            is an error then, and labels may have any number of rows.

    Raises:
        DataError: The file cannot be read, or there is nothing to learn from it.
        MissingExtraError: It is Parquet and pyarrow is not installed.
    """
    where = str(path)
    table = read_table(path, columns)
    grid = table.grid
    found = find_columns(grid.names, columns, where)
    rows, dropped = _usable_rows(grid, found, columns.separator, where)
    if not rows:
        raise _nothing_usable(grid, dropped, where)
    hint = _header_hint(grid, columns)
    if labels is None:
        names, label_set = name_labels(rows, where)
    else:
        names, label_set = known_labels(rows, labels, where, hint), tuple(labels)
    settled = settle_repeats(_named_rows(rows, names, label_set))
    dropped[DUPLICATE] = settled.duplicates
    dropped[CONFLICTING_LABEL] = sum(len(conflict.rows) for conflict in settled.conflicts)
    multi_label = columns.separator is not None or any(isinstance(v, list) for v in grid.column(found.label))
    data = _labeled_texts(settled.kept, label_set, multi_label)
    if not len(data):
        raise _nothing_usable(grid, dropped, where)
    if labels is None:
        check_class_sizes(data.counts(), where, hint)
    return data, _intake(where, table.sha256, grid, found, dropped, settled, data)


def _usable_rows(
    grid: Grid, found: FoundColumns, separator: str | None, where: str
) -> tuple[list[Row], Counter[str]]:
    texts = [cell.text() for cell in _cells(grid, found.text, where)]
    ids = [cell.labels(separator) for cell in _cells(grid, found.label, where)]
    names: list[tuple[str, ...] | None] = [None] * len(texts)
    if found.label_name is not None:
        names = [cell.labels(separator) for cell in _cells(grid, found.label_name, where)]
    rows: list[Row] = []
    dropped: Counter[str] = Counter()
    for row in map(Row, grid.numbers, texts, ids, names):
        reason = _reason_to_drop(row)
        if reason is None:
            rows.append(row)
        else:
            dropped[reason] += 1
    return rows, dropped


def _cells(grid: Grid, column: str, where: str) -> list[Cell]:
    return [
        Cell(value, number, column, where)
        for number, value in zip(grid.numbers, grid.column(column), strict=True)
    ]


def _reason_to_drop(row: Row) -> str | None:
    if not row.text.strip():
        return NO_TEXT
    if not row.ids:
        return NO_LABEL
    return LABEL_ID_MINUS_ONE if has_no_label_id(row.ids) else None


def _named_rows(rows: Sequence[Row], names: dict[str, str], label_set: Sequence[str]) -> list[NamedRow]:
    position = {label: index for index, label in enumerate(label_set)}
    return [
        NamedRow(
            row.number, row.text, tuple(sorted({names[item] for item in row.ids}, key=position.__getitem__))
        )
        for row in rows
    ]


def _labeled_texts(rows: Sequence[NamedRow], label_set: tuple[str, ...], multi_label: bool) -> LabeledTexts:
    position = {label: index for index, label in enumerate(label_set)}
    texts = tuple(row.text for row in rows)
    if not multi_label:
        single = np.array([position[row.labels[0]] for row in rows], dtype=np.int64)
        return LabeledTexts(texts, single, label_set, multi_label=False)
    multi_hot = np.zeros((len(rows), len(label_set)), dtype=np.float32)
    for index, row in enumerate(rows):
        multi_hot[index, [position[label] for label in row.labels]] = 1
    return LabeledTexts(texts, multi_hot, label_set, multi_label=True)


def _intake(
    where: str,
    sha256: str,
    grid: Grid,
    found: FoundColumns,
    dropped: Counter[str],
    settled: Settled,
    data: LabeledTexts,
) -> Intake:
    return Intake(
        path=where,
        sha256=sha256,
        rows=len(grid.numbers),
        kept=len(data),
        dropped={reason: dropped[reason] for reason in REASONS if dropped[reason]},
        duplicates=settled.duplicates,
        conflicts=tuple(settled.conflicts[:SHOWN_CONFLICTS]),
        conflict_count=len(settled.conflicts),
        label_counts=data.counts(),
        text_column=found.text,
        label_column=found.label,
        label_name_column=found.label_name,
        header=grid.header,
        max_text_bytes=max(len(text.encode()) for text in data.texts),
    )


def _nothing_usable(grid: Grid, dropped: Counter[str], where: str) -> DataError:
    return DataError(
        f"{where}: no row can be used; of {len(grid.numbers):,}, {dropped_phrase(dropped)}. "
        "Check that `text` and `label` name the right columns."
    )


def _header_hint(grid: Grid, columns: Columns) -> str:
    if grid.header or columns.header is not None:
        return ""
    return " Row 1 was read as data; if it is a header, set `header` to true."
