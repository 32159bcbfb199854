"""CSV and TSV.

CSV follows RFC 4180: a field in double quotes may hold commas and line breaks, a quote inside is doubled.
Where the first line has no comma, semicolons or tabs may separate the fields, as some spreadsheets do.
TSV: a line is a row, a tab separates fields, and quotes are ordinary signs; only a field that is wrapped
in quotes as a whole, with every quote inside doubled, is unwrapped.
"""

from __future__ import annotations

import csv
import io
import re

from pocketformer.data.columns import Columns, first_row_is_header, headerless_names
from pocketformer.data.grid import Grid
from pocketformer.data.wording import amount
from pocketformer.errors import DataError

_WRAPPED = re.compile(r'"((?:[^"]|"")*)"')
_Record = tuple[int, list[str]]


def read_csv(text: str, columns: Columns, where: str) -> Grid:
    """Read the text of a CSV file.

    Raises:
        DataError: Quotes do not match, a row has more or fewer fields than the first, or it is unclear
            whether the first row is a header.
    """
    cure = "Put a field that holds the separator or a line break in double quotes."
    return _grid(_csv_records(text, where), columns, where, cure)


def read_tsv(text: str, columns: Columns, where: str) -> Grid:
    """Read the text of a TSV file.

    Raises:
        DataError: A row has more or fewer fields than the first, or it is unclear whether the first row
            is a header.
    """
    lines = enumerate(io.StringIO(text, newline=None), start=1)
    records = [(number, _tsv_cells(line.rstrip("\n"))) for number, line in lines if line.strip()]
    cure = "One tab separates two fields; replace a tab or a line break inside a text by a space."
    return _grid(records, columns, where, cure)


def _csv_records(text: str, where: str) -> list[_Record]:
    records: list[_Record] = []
    start = 1
    previous_limit = csv.field_size_limit()
    csv.field_size_limit(max(len(text), previous_limit))
    try:
        # Strict: otherwise a forgotten quote silently swallows the rows below it.
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
        for cells in reader:
            if len(cells) > 1 or any(cell.strip() for cell in cells):
                records.append((start, cells))
            start = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{where}: the quotes in row {start:,} do not match ({error}). "
            'Wrap a field that holds a quote in double quotes and double the quote, as in "say ""yes"" now".'
        ) from error
    finally:
        csv.field_size_limit(previous_limit)
    return records


def _delimiter(text: str) -> str:
    first_line = text.lstrip().partition("\n")[0]
    return next((sign for sign in (",", ";", "\t") if sign in first_line), ",")


def _tsv_cells(line: str) -> list[str]:
    return [_unwrapped(cell) for cell in line.split("\t")]


def _unwrapped(cell: str) -> str:
    wrapped = _WRAPPED.fullmatch(cell)
    return wrapped[1].replace('""', '"') if wrapped else cell


def _grid(records: list[_Record], columns: Columns, where: str, cure: str) -> Grid:
    if not records:
        raise DataError(f"{where} holds empty rows alone. Expected a text and a label in each row.")
    first_number, first = records[0]
    for number, cells in records:
        if len(cells) != len(first):
            raise DataError(
                f"{where}: row {number:,} has {amount(len(cells), 'field')}, "
                f"but row {first_number} has {len(first)}. {cure}"
            )
    header = columns.header
    if header is None:
        header = first_row_is_header(first, columns, where)
    names = tuple(cell.strip() for cell in first) if header else headerless_names(len(first))
    body = records[1:] if header else records

    def column(name: str) -> list[str]:
        index = names.index(name)
        return [cells[index] for _, cells in body]

    return Grid(names, header, [number for number, _ in body], column)
