"""A recipe says what it wants in few words, and is told precisely what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pocketformer.errors import RecipeError
from pocketformer.recipe import Recipe

SMALLEST = 'name = "notices"\nbase = "some/model"\noutput = "dist"\n[data]\ntrain = "train.csv"\n'


def write(folder: Path, content: str) -> Path:
    path = folder / "recipe.toml"
    path.write_text(content, encoding="utf-8")
    return path


def test_three_lines_and_a_table_are_enough(tmp_path: Path) -> None:
    recipe = Recipe.load(write(tmp_path, SMALLEST))
    assert recipe.data.train == tmp_path / "train.csv"
    assert recipe.data.test is None
    assert recipe.output == tmp_path / "dist"
    assert recipe.base == "some/model"
    assert recipe.export.precisions == ("fp32", "fp16", "int8")


def test_a_local_base_starts_at_the_recipe(tmp_path: Path) -> None:
    recipe = Recipe.load(write(tmp_path, SMALLEST.replace("some/model", "./encoder")))
    assert Path(recipe.base) == tmp_path / "encoder"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (SMALLEST.replace("base", "bass"), r"'base': field required"),
        (SMALLEST + "colour = 1\n", r"there is no setting 'data\.colour'"),
        (SMALLEST + "dev_fraction = 0.9\n", r"'data\.dev_fraction': .*less than 0\.5, 0\.9 was given"),
        (SMALLEST.replace("notices", "../up"), r"'name': .*'\.\./up' was given"),
        ("name = ", r"is not TOML"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, content: str, sentence: str) -> None:
    with pytest.raises(RecipeError, match=sentence):
        Recipe.load(write(tmp_path, content))


def test_a_missing_recipe_and_a_directory(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="does not exist"):
        Recipe.load(tmp_path / "absent.toml")
    with pytest.raises(RecipeError, match="is a directory"):
        Recipe.load(tmp_path)
