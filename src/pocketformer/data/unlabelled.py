"""Texts without labels: read from a table or from lines, and kept apart from the texts that are held out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from pocketformer.data.cells import Cell
from pocketformer.data.columns import Columns, find_text_column
from pocketformer.data.examples import text_key
from pocketformer.data.table import read_table
from pocketformer.errors import DataError

__all__ = ["new_texts", "read_texts"]

_LINES = ".txt"
_FIND = Columns()


def read_texts(path: str | Path, columns: Columns = _FIND) -> tuple[str, ...]:
    """Read the texts of a table, or of a `.txt` file with one per line; each text is kept once.

    Args:
        path: The file; its suffix names the format (.txt, .csv, .tsv, .jsonl, .ndjson, .parquet).
        columns: Names the column of the texts where it cannot be found; other columns are left alone.

    Raises:
        DataError: The file cannot be read, or holds no text.
        MissingExtraError: It is Parquet and pyarrow is not installed.
    """
    path = Path(path)
    texts = new_texts(_lines(path) if path.suffix.lower() == _LINES else _column(path, columns))
    if not texts:
        raise DataError(f"{path} holds no text; give a file with one text per row.")
    return texts


def new_texts(texts: Iterable[str], *known: Sequence[str]) -> tuple[str, ...]:
    """Return the texts that are not empty, that do not repeat another and that stand in none of `known`."""
    seen = {text_key(text) for part in known for text in part} | {""}
    fresh = []
    for text in texts:
        key = text_key(text)
        if key not in seen:
            seen.add(key)
            fresh.append(text)
    return tuple(fresh)


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        raise DataError(f"{path} does not exist or is no file; give a file with one text per line.")
    try:
        return path.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8.") from error


def _column(path: Path, columns: Columns) -> list[str]:
    where = str(path)
    grid = read_table(path, columns).grid
    column = find_text_column(grid.names, columns, where)
    cells = zip(grid.numbers, grid.column(column), strict=True)
    return [Cell(value, number, column, where).text() for number, value in cells]
