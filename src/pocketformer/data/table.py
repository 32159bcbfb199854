"""Any of the four table formats as columns with row numbers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pocketformer.data.columns import Columns
from pocketformer.data.delimited import read_csv, read_tsv
from pocketformer.data.grid import Grid
from pocketformer.data.records import read_jsonl, read_parquet
from pocketformer.data.wording import listed, quoted, suggestion
from pocketformer.errors import DataError

_TEXT_READERS: dict[str, Callable[[str, Columns, str], Grid]] = {
    ".csv": read_csv,
    ".tsv": read_tsv,
    ".jsonl": read_jsonl,
    ".ndjson": read_jsonl,
}
_PARQUET = ".parquet"
_SUFFIXES = (*_TEXT_READERS, _PARQUET)
_LINE_END = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Table:
    """One file's columns, and the SHA-256 of the bytes they were read from."""

    grid: Grid
    sha256: str


def read_table(path: str | Path, columns: Columns) -> Table:
    """Read a table in the format that its suffix names.

    Raises:
        DataError: The file cannot be read as such a table.
        MissingExtraError: It is Parquet and pyarrow is not installed.
    """
    where = str(path)
    suffix = Path(path).suffix.lower()
    content = _content(Path(path), where, suffix)
    if suffix == _PARQUET:
        grid = read_parquet(content, where)
    else:
        text = _decode(content, where)
        if not text.strip():
            raise DataError(f"{where} is empty. Expected a table with a text and a label in each row.")
        grid = _TEXT_READERS[suffix](text, columns, where)
    if not grid.numbers:
        raise DataError(f"{where} has the columns {listed(map(quoted, grid.names))} and no rows below them.")
    return Table(grid, hashlib.sha256(content).hexdigest())


def _content(path: Path, where: str, suffix: str) -> bytes:
    if path.is_dir():
        tables = sorted(entry.name for entry in path.iterdir() if entry.suffix.lower() in _SUFFIXES)
        inside = f" It holds {listed(map(quoted, tables))}." if tables else ""
        raise DataError(f"{where} is a directory, expected one table file; name a file in it.{inside}")
    if suffix not in _SUFFIXES:
        raise DataError(
            f"{where} has the suffix {suffix!r}, expected one of {listed(_SUFFIXES)}. "
            "Save the table in one of these formats (from a spreadsheet: CSV UTF-8)."
        )
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise DataError(f"{where} does not exist.{_neighbour(path)} Check the path.") from error
    except OSError as error:
        raise DataError(f"{where} cannot be read: {error.strerror or error}.") from error
    if not content:
        raise DataError(f"{where} is empty. Expected a table with a text and a label in each row.")
    return content


def _neighbour(path: Path) -> str:
    neighbours: Sequence[str] = ()
    if path.parent.is_dir():
        neighbours = sorted(entry.name for entry in path.parent.iterdir())
    return suggestion(path.name, neighbours)


def _decode(content: bytes, where: str) -> str:
    try:
        # Not `utf-8-sig`: its error counts bytes from behind the byte order mark.
        text = content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        place = _place(content, error.start)
        raise DataError(
            f"{where} is not UTF-8: {place}. Save the file as UTF-8 (in a spreadsheet: CSV UTF-8)."
        ) from error
    if "\0" in text:
        place = _place(content, content.index(b"\0"))
        raise DataError(
            f"{where} holds a NUL byte, which no text has: {place}. Remove it, or save the file as UTF-8."
        )
    return text


def _place(content: bytes, offset: int) -> str:
    row = len(_LINE_END.findall(content, 0, offset)) + 1
    return f"row {row:,} holds byte 0x{content[offset]:02X} at byte offset {offset:,}"
