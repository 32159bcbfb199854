"""Augmentation: what was added to the training texts, and whether it helped on the dev texts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pocketformer.report import figures
from pocketformer.report.blocks import Block, Column, Paragraph, Section, Table

if TYPE_CHECKING:
    from pocketformer.edition import AugmentationSection, Edition

__all__ = ["augmentation_section"]


def augmentation_section(edition: Edition) -> Section | None:
    """Return the copies by method, dev quality with and without them, and the verdict in words."""
    found = edition.augmentation
    if found is None:
        return None
    blocks: list[Block] = [Paragraph(_verdict(found)), _quality(found), _copies(found)]
    if found.report.examples:
        blocks.append(_examples(found))
    return Section("augmentation", "Augmentation", blocks)


def _verdict(found: AugmentationSection) -> str:
    """Return whether it helped; a difference below the standard error is chance as far as anyone can tell."""
    share = found.plain_accuracy
    error = math.sqrt(share * (1 - share) / max(found.dev_texts, 1))
    difference = found.accuracy - found.plain_accuracy
    figure = (
        f"dev accuracy is {figures.percent(found.accuracy)} % with it and {figures.percent(share)} % without"
        f", {figures.points(difference)} points"
    )
    beside = f"the standard error of {found.dev_texts:,} dev texts, {figures.percent(error)} points"
    if abs(difference) < error or difference == 0:
        return f"Augmentation made no difference: {figure}, which is within {beside}."
    if difference > 0:
        return f"Augmentation helped: {figure}, more than {beside}."
    return f"Augmentation did harm: {figure}, more than {beside}. Leave [augment] out of the recipe."


def _quality(found: AugmentationSection) -> Table:
    columns = (
        Column("Trained", numeric=False),
        Column("Texts"),
        Column("Dev accuracy, %"),
        Column("Dev macro-F1, %"),
    )
    texts, copies = found.report.texts, sum(found.report.copies.values())
    rows = (
        ("without copies", texts, found.plain_accuracy, found.plain_macro_f1),
        ("with copies", texts + copies, found.accuracy, found.macro_f1),
    )
    return Table(
        "With and without",
        columns,
        tuple(
            (name, figures.count(number), figures.percent(accuracy), figures.percent(macro_f1))
            for name, number, accuracy, macro_f1 in rows
        ),
    )


def _copies(found: AugmentationSection) -> Table:
    report = found.report
    rows = {
        **{f"kept, by {method}": number for method, number in report.copies.items()},
        "dropped: equal to a training text or to another copy": report.repeats,
        "dropped: equal to a held-out text": report.held_out,
    }
    return Table(
        f"Changed copies of the {report.texts:,} training texts",
        (Column("Copies", numeric=False), Column("Number")),
        tuple((name, figures.count(number)) for name, number in rows.items()),
    )


def _examples(found: AugmentationSection) -> Table:
    columns = (
        Column("Method", numeric=False),
        Column("Text", numeric=False, prose=True),
        Column("Copy", numeric=False, prose=True),
    )
    rows = tuple(
        (example.method, figures.excerpt(example.text), figures.excerpt(example.copy))
        for example in found.report.examples
    )
    return Table("Examples", columns, rows)
