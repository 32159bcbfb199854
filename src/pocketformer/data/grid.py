"""What every format reader returns: named columns and the number of each row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Grid:
    """The rows of a table, column by column.

    Attributes:
        names: The column names, as they stand in the file.
        header: Whether the file names its columns.
        numbers: Per row: the 1-based line on which it starts (CSV, TSV, JSONL), or its 1-based number
            (Parquet).
        column: The values of the column of that name, one per row; None where a row has no value.
    """

    names: tuple[str, ...]
    header: bool
    numbers: Sequence[int]
    column: Callable[[str], Sequence[object]]
