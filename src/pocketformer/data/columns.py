"""Which column of a table holds the text, which the label, and whether its first row is a header."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pocketformer.data.wording import listed, quoted, suggestion
from pocketformer.errors import DataError, RecipeError

HEADERLESS_NAMES = ("text", "label")

_TEXT_KEYS = (
    *("text", "sentence", "query", "utterance", "content", "title", "headline"),
    *("question", "message", "review", "comment", "document", "body", "input"),
)
_LABEL_STEMS = (
    *("label", "labels", "category", "categories", "class", "classes", "intent", "intents"),
    *("target", "targets", "topic", "topics", "tag", "tags", "sentiment"),
)
_NAME_ENDINGS = ("name", "names", "text")
_ID_ENDINGS = ("id", "ids")
_LABEL_KEYS = tuple(stem + end for stem in _LABEL_STEMS for end in (*_ID_ENDINGS, "", *_NAME_ENDINGS))


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a table as far as the caller names them; None stands for "find it".

    Letter case, spaces, underscores and hyphens make no difference: `label_id` also finds `Label ID`.

    Attributes:
        text: The column of the texts.
        label: The column of the labels, or of their ids.
        label_name: The column of the label names where `label` holds ids. The same column as `label`
            says that there is none.
        separator: What stands between the labels of one row of a multi-label table, as in `a|b`.
        header: Whether the first row of a CSV or TSV names the columns. Found by itself, it is taken
            for a header when it holds both a usual text name and a usual label name, or when a column
            is named here; for data when it has exactly two fields and neither is a usual name (the
            columns are then called `text` and `label`). A usual name beside an unusual one is refused.
    """

    text: str | None = None
    label: str | None = None
    label_name: str | None = None
    separator: str | None = None
    header: bool | None = None

    def __post_init__(self) -> None:
        if self.separator is not None and not self.separator.strip(" "):
            raise RecipeError(
                f"The label separator is {self.separator!r}, expected a sign such as '|' or ';'. "
                "Leave it out where every row has one label."
            )


@dataclass(frozen=True, slots=True)
class FoundColumns:
    """The columns of one table, by the names they have there."""

    text: str
    label: str
    label_name: str | None


def find_columns(names: Sequence[str], columns: Columns, where: str) -> FoundColumns:
    """Return the columns that `columns` names, and find those it leaves open.

    Raises:
        DataError: A column is not there, is there twice, or is the text and the label at once.
    """
    text = _named(names, columns.text, where)
    label = _named(names, columns.label, where)
    label_name = _named(names, columns.label_name, where)
    free = [name for name in names if name not in {text, label, label_name}]
    text = text or _first_of(free, _TEXT_KEYS, where)
    if text is None:
        raise _not_found("text", names, where)
    label = label or _first_of(free, _LABEL_KEYS, where)
    if label is None:
        raise _not_found("label", names, where)
    if label == text:
        raise DataError(
            f"{where}: the column {quoted(text)} is named as the text and as the label; name two."
        )
    label_name = label_name or _first_of(free, _name_keys(label), where)
    return FoundColumns(text, label, None if label_name == label else label_name)


def find_text_column(names: Sequence[str], columns: Columns, where: str) -> str:
    """Return the column of the texts in a table whose labels do not matter, or that has none.

    Raises:
        DataError: It is not there, or is there twice.
    """
    text = _named(names, columns.text, where) or _first_of(names, _TEXT_KEYS, where)
    if text is None:
        raise _not_found("text", names, where)
    return text


def first_row_is_header(cells: Sequence[str], columns: Columns, where: str) -> bool:
    """Return whether the first row of a table without a given `header` names the columns.

    Raises:
        DataError: The row is half like a header, so that guessing would lose a row or invent one.
    """
    keys = [_key(cell) for cell in cells]
    named = {_key(name) for name in (columns.text, columns.label, columns.label_name) if name is not None}
    text_like = any(key in _TEXT_KEYS for key in keys)
    label_like = any(key in _LABEL_KEYS for key in keys)
    named_by_caller = not named.isdisjoint(keys) or not named <= set(HEADERLESS_NAMES)
    if named_by_caller or (text_like and label_like) or len(cells) != len(HEADERLESS_NAMES):
        return True
    if text_like or label_like:
        raise DataError(
            f"{where}: row 1 ({listed(map(quoted, cells))}) may be a header or data. Set `header` to true or "
            "false, or name the columns with `text` and `label`."
        )
    return False


def headerless_names(width: int) -> tuple[str, ...]:
    """Return the names of the columns of a table without a header: `text`, `label`, or `column 1`, …."""
    if width == len(HEADERLESS_NAMES):
        return HEADERLESS_NAMES
    return tuple(f"column {number}" for number in range(1, width + 1))


def _key(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name.casefold())


def _name_keys(label: str) -> tuple[str, ...]:
    """Return the keys under which the names of an id column stand: `label_name` for `label_id`."""
    key = _key(label)
    for stem in _LABEL_STEMS:
        if key == stem:
            return tuple(stem + end for end in _NAME_ENDINGS)
        if key in {stem + end for end in _ID_ENDINGS}:
            return (*(stem + end for end in _NAME_ENDINGS), stem)
    return ()


def _first_of(names: Sequence[str], keys: Sequence[str], where: str) -> str | None:
    for key in keys:
        matches = [name for name in names if name and _key(name) == key]
        if matches:
            return _only(matches, where)
    return None


def _named(names: Sequence[str], wanted: str | None, where: str) -> str | None:
    if wanted is None:
        return None
    matches = [name for name in names if name == wanted] or [
        name for name in names if _key(name) == _key(wanted)
    ]
    if not matches:
        raise DataError(
            f"{where} has no column {quoted(wanted)}; its columns are {listed(map(quoted, names))}."
            + suggestion(wanted, names)
        )
    return _only(matches, where)


def _only(matches: Sequence[str], where: str) -> str:
    if len(matches) > 1:
        raise DataError(
            f"{where} has {len(matches)} columns of one name: {listed(map(quoted, matches))}. "
            "Rename one of them in the table, or name the one to use."
        )
    return matches[0]


def _not_found(kind: str, names: Sequence[str], where: str) -> DataError:
    return DataError(
        f"{where}: no {kind} column was recognised among {listed(map(quoted, names))}. "
        f"Name it with `{kind}`; if the first row is already data, set `header` to false."
    )
