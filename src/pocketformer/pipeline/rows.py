"""The rows of a recipe: read, told of, and split so that no text stands on two sides."""

from __future__ import annotations

from dataclasses import dataclass

from pocketformer.data import Columns, LabeledTexts, read_labeled_texts, split, without_overlap
from pocketformer.edition import DataSection
from pocketformer.pipeline.observer import Observer
from pocketformer.recipe import DataRecipe


@dataclass(frozen=True, slots=True)
class Rows:
    """The three sides of a data set, and what is told of them."""

    train: LabeledTexts
    dev: LabeledTexts
    test: LabeledTexts
    section: DataSection


def read_rows(recipe: DataRecipe, observer: Observer) -> Rows:
    """Read the tables of a recipe; a test table's texts are taken out of training.

    Raises:
        DataError: A table cannot be read or learned from.
    """
    columns = Columns(recipe.text, recipe.label, recipe.label_name, recipe.separator, recipe.header)
    table, intake = read_labeled_texts(recipe.train, columns)
    for sentence in intake.sentences():
        observer.say(f"{recipe.train.name}: {sentence}")
    overlap, test_intake = 0, None
    if recipe.test is None:
        table, test = split(table, recipe.test_fraction, recipe.seed)
    else:
        test, test_intake = read_labeled_texts(recipe.test, columns, labels=table.labels)
        for sentence in test_intake.sentences():
            observer.say(f"{recipe.test.name}: {sentence}")
        table, overlap = without_overlap(table, test)
        if overlap:
            observer.say(f"{overlap} training rows were left out: their texts also stand in the test table.")
    train, dev = split(table, recipe.dev_fraction, recipe.seed)
    rows = {"train": len(train), "dev": len(dev), "test": len(test)}
    observer.say(
        f"{rows['train']:,} rows to train on, {rows['dev']:,} to stop on, {rows['test']:,} held out."
    )
    section = DataSection(train=intake, test=test_intake, rows=rows, overlap=overlap)
    return Rows(train, dev, test, section)
