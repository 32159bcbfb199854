"""What a report is made of: a page of sections, each a list of blocks, with no markup in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from pocketformer.report.figures import ABSENT

__all__ = ["Block", "Bullets", "Column", "Heatmap", "Page", "Paragraph", "Plot", "Section", "Table"]

_FOLDED_FROM_ROWS = 21


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table; `numeric` ones are set flush right in even digits.

    Attributes:
        prose: Holds text a person wrote, in any script and of any length.
        code: Holds names or digests, in a fixed-width face.
    """

    title: str
    numeric: bool = True
    prose: bool = False
    code: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Cells as text; the first column names the row. A long table is folded away."""

    kind: ClassVar[str] = "table"

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    @property
    def folded(self) -> bool:
        """Whether the reader opens it with a click."""
        return len(self.rows) >= _FOLDED_FROM_ROWS

    def without_empty_columns(self) -> Table:
        """Return this table without the columns in which nothing was measured."""
        kept = [
            place
            for place in range(len(self.columns))
            if place == 0 or any(row[place] not in ("", ABSENT) for row in self.rows)
        ]
        return Table(
            self.caption,
            tuple(self.columns[place] for place in kept),
            tuple(tuple(row[place] for place in kept) for row in self.rows),
            self.note,
        )

    @classmethod
    def of_pairs(cls, caption: str, title: str, pairs: Iterable[tuple[str, str]]) -> Table:
        """Return a table of names and values."""
        columns = (Column(title, numeric=False, code=True), Column("Value", numeric=False, prose=True))
        return cls(caption, columns, tuple(pairs))


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text, and perhaps an address on this machine behind it."""

    kind: ClassVar[str] = "paragraph"

    text: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of sentences."""

    kind: ClassVar[str] = "bullets"

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawn figure; `label` says in words what it shows, `svg` is its markup."""

    kind: ClassVar[str] = "plot"

    caption: str
    label: str
    svg: str


@dataclass(frozen=True, slots=True)
class Heatmap:
    """A confusion matrix: rows are the true labels, columns what the file says.

    Attributes:
        counts: `[true label][predicted label]`.
        numbered: Whether it is small enough for a number in each cell.
    """

    kind: ClassVar[str] = "heatmap"

    caption: str
    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    numbered: bool

    def shade(self, row: int, column: int) -> float:
        """Return the part of a row's texts in one cell, 0 to 1, rounded for the page."""
        return round(self.counts[row][column] / max(sum(self.counts[row]), 1), 3)

    @property
    def filled(self) -> list[tuple[int, int]]:
        """The cells that hold a text."""
        size = range(len(self.labels))
        return [(row, column) for row in size for column in size if self.counts[row][column]]


Block = Table | Paragraph | Bullets | Plot | Heatmap


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and its blocks."""

    anchor: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True, slots=True)
class Page:
    """A whole report.

    Attributes:
        passed: Whether every file was verified and kept its limits; None when none was verified.
        verdict: The same in a sentence or two.
    """

    title: str
    subtitle: str
    passed: bool | None
    verdict: str
    sections: tuple[Section, ...] = field(default_factory=tuple)
