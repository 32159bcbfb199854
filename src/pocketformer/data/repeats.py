"""Rows that repeat a text: duplicates, of which the first stays, and conflicts, of which none does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pocketformer.data.examples import text_key


@dataclass(frozen=True, slots=True)
class Conflict:
    """One text that stands with different labels.

    Attributes:
        text: The text as its first row has it.
        labels: The label of each of its rows; several labels of one row are joined by ` + `.
        rows: The numbers of its rows.
    """

    text: str
    labels: tuple[str, ...]
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NamedRow:
    """A usable row with its label names, each once, in label order."""

    number: int
    text: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Settled:
    """The rows that stay, each with a text of its own, and what was set aside."""

    kept: list[NamedRow]
    duplicates: int
    conflicts: list[Conflict]


def settle_repeats(rows: Sequence[NamedRow]) -> Settled:
    """Keep the first row of each text; keep no row of a text whose rows differ in their labels."""
    groups: dict[str, list[NamedRow]] = {}
    for row in rows:
        groups.setdefault(text_key(row.text), []).append(row)
    kept: list[NamedRow] = []
    conflicts: list[Conflict] = []
    duplicates = 0
    for group in groups.values():
        if len({row.labels for row in group}) == 1:
            kept.append(group[0])
            duplicates += len(group) - 1
        else:
            conflicts.append(_conflict(group))
    return Settled(kept, duplicates, conflicts)


def _conflict(group: Sequence[NamedRow]) -> Conflict:
    labels = tuple(" + ".join(row.labels) for row in group)
    return Conflict(group[0].text, labels, tuple(row.number for row in group))
