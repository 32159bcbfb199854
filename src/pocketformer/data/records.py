"""JSON Lines and Parquet: formats whose values have types and whose columns always have names."""

from __future__ import annotations

import json

from pocketformer.data.columns import Columns
from pocketformer.data.grid import Grid
from pocketformer.data.wording import quoted
from pocketformer.errors import DataError, MissingExtraError


def read_jsonl(text: str, columns: Columns, where: str) -> Grid:
    """Read the text of a JSON Lines file: one object per line; a key may be missing from some.

    Raises:
        DataError: A line is no JSON object.
    """
    del columns  # every row brings its names along
    numbers: list[int] = []
    rows: list[dict[str, object]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            numbers.append(number)
            rows.append(_json_object(line, number, where))
    names = tuple(dict.fromkeys(name for row in rows for name in row))
    return Grid(names, True, numbers, lambda name: [row.get(name) for row in rows])


def _json_object(line: str, number: int, where: str) -> dict[str, object]:
    example = 'Each line is one object, such as {"text": "…", "label": "…"}.'
    try:
        value = json.loads(line)
    # ValueError: no JSON, or an integer beyond Python's limit; RecursionError: nested thousands deep.
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{where}: row {number:,} is not JSON ({error}): {quoted(line)}. {example}"
        ) from error
    if not isinstance(value, dict):
        raise DataError(f"{where}: row {number:,} is JSON but no object: {quoted(line)}. {example}")
    return value


def read_parquet(content: bytes, where: str) -> Grid:
    """Read the bytes of a Parquet file; a column is decoded when it is asked for.

    Raises:
        DataError: The bytes are no Parquet file, or a broken one.
        MissingExtraError: pyarrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtraError("train", "pyarrow") from error
    # UnicodeDecodeError, from a text column that is not UTF-8, is a ValueError.
    unreadable = (pyarrow.ArrowException, OSError, ValueError)
    try:
        file = parquet.ParquetFile(pyarrow.BufferReader(content))
        names = tuple(file.schema_arrow.names)
    except unreadable as error:
        raise DataError(f"{where} cannot be read as Parquet ({error}). Write the file anew.") from error

    def column(name: str) -> list[object]:
        try:
            values: list[object] = file.read(columns=[name]).column(name).to_pylist()
        except unreadable as error:
            raise DataError(f"{where}: the column {quoted(name)} cannot be read ({error}).") from error
        return values

    return Grid(names, True, range(1, file.metadata.num_rows + 1), column)
