"""The committed Chinese shop titles: 28 classes, none short of rows, no title twice or on both sides."""

from __future__ import annotations

from pathlib import Path

from pocketformer.data import read_labeled_texts, without_overlap
from pocketformer.recipe import Recipe

EXAMPLE = Path(__file__).parents[2] / "examples" / "titles-zh"


def test_every_title_is_kept_and_every_class_is_full():
    train, intake = read_labeled_texts(EXAMPLE / "train.csv")
    test, test_intake = read_labeled_texts(EXAMPLE / "test.csv", labels=train.labels)
    assert (intake.dropped, test_intake.dropped) == ({}, {})
    assert len(train.labels) == 28
    assert set(train.counts().values()) == {34}
    assert set(test.counts().values()) == {8}
    assert without_overlap(train, test)[1] == 0


def test_its_recipe_is_story_a():
    recipe = Recipe.load(EXAMPLE / "recipe.toml")
    assert recipe.finetune.head == "two-layer"
    assert recipe.data.test == EXAMPLE / "test.csv"
