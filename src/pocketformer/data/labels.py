"""From the values of a label column to label names: missing ones, ids, ids with names, several per row."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pocketformer.data.wording import amount, listed, quoted, suggestion
from pocketformer.errors import DataError

NO_LABEL_ID = "-1"

# At most 18 digits, no leading zeros: what is written like a number but is a code (007) stays as it is.
_INTEGER = re.compile(r"(-?(?:0|[1-9][0-9]{0,17}))(?:\.0+)?")
_OTHER_COLUMNS = "name other columns with `label` and `label_name` (the same one twice: no names)."


@dataclass(frozen=True, slots=True)
class Row:
    """A usable row: `ids` as the label column has them, `names` beside them where a name column stands."""

    number: int
    text: str
    ids: tuple[str, ...]
    names: tuple[str, ...] | None


def has_no_label_id(items: Sequence[str]) -> bool:
    """Return whether one of the labels is -1, by which tables say that there is none."""
    return any(_as_integer(item) == NO_LABEL_ID for item in items)


def name_labels(rows: Sequence[Row], where: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the name of each id, and the label names in their order.

    With a name column the names are the labels, in the order of their ids. Otherwise the ids are the
    names; when all are integers `1.0` and `1` are one label and the order is numeric, else alphabetic.

    Raises:
        DataError: An id has two names, or two ids have one name.
    """
    ids = sorted({item for row in rows for item in row.ids})
    numeric = all(_INTEGER.fullmatch(item) for item in ids)
    if numeric:
        ids.sort(key=lambda item: int(_as_integer(item)))
    names = _names_by_id(rows, where) if any(row.names is not None for row in rows) else None
    if names is None:
        names = {item: _as_integer(item) if numeric else item for item in ids}
    return names, tuple(dict.fromkeys(names[item] for item in ids))


def known_labels(rows: Sequence[Row], labels: Sequence[str], where: str, hint: str) -> dict[str, str]:
    """Return the name of each id of a table that has to keep to the label set of another one.

    Raises:
        DataError: A row has a label that is not among `labels`.
    """
    names = _names_by_id(rows, where) if any(row.names is not None for row in rows) else {}
    known = set(labels)
    for row in rows:
        for item in row.ids:
            name = names.get(item, item if item in known else _as_integer(item))
            if name not in known:
                raise DataError(
                    f"{where}: row {row.number:,} has the label {quoted(name)}, which is not in the training "
                    f"table; its labels are {listed(map(quoted, labels))}.{suggestion(name, labels)}{hint}"
                )
            names[item] = name
    return names


def check_class_sizes(counts: dict[str, int], where: str, hint: str) -> None:
    """Refuse a table with one label, or with labels that have fewer than two rows.

    Raises:
        DataError: It is such a table.
    """
    if len(counts) == 1:
        raise DataError(
            f"{where}: every usable row has the label {quoted(next(iter(counts)))}. "
            f"Expected at least two labels, or there is nothing to tell apart.{hint}"
        )
    small = [f"{quoted(label)} ({amount(count, 'row')})" for label, count in counts.items() if count < 2]
    if small:
        raise DataError(
            f"{where}: {amount(len(small), 'label')} with fewer than two usable rows: {listed(small)}. "
            "A label needs one row to learn from and one to check with: add rows, or merge or remove the "
            f"label.{hint}"
        )


def _as_integer(item: str) -> str:
    integer = _INTEGER.fullmatch(item)
    return str(int(integer[1])) if integer else item


def _pairs(rows: Iterable[Row], where: str) -> Iterable[tuple[int, str, str]]:
    for row in rows:
        names = row.names or ()
        if len(row.ids) != len(names):
            raise DataError(
                f"{where}: row {row.number:,} has {amount(len(row.ids), 'label id')} ({listed(row.ids)}) "
                f"and {amount(len(names), 'label name')} beside it. Fill in one name per id."
            )
        for item, name in zip(row.ids, names, strict=True):
            yield row.number, item, name


def _names_by_id(rows: Sequence[Row], where: str) -> dict[str, str]:
    by_id: dict[str, tuple[int, str]] = {}
    by_name: dict[str, tuple[int, str]] = {}
    for number, item, name in _pairs(rows, where):
        first_row, first_name = by_id.setdefault(_as_integer(item), (number, name))
        if first_name != name:
            raise DataError(
                f"{where}: label id {item} has two names, {quoted(first_name)} (row {first_row:,}) and "
                f"{quoted(name)} (row {number:,}). Give the id one name, or {_OTHER_COLUMNS}"
            )
        other_row, other_id = by_name.setdefault(name, (number, _as_integer(item)))
        if other_id != _as_integer(item):
            raise DataError(
                f"{where}: label name {quoted(name)} stands for two ids, {other_id} (row {other_row:,}) and "
                f"{item} (row {number:,}). Give each id a name of its own, or {_OTHER_COLUMNS}"
            )
    return {item: by_id[_as_integer(item)][1] for row in rows for item in row.ids}
