"""Advice: recipes that can be run, for any situation; the document is the table that decides."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from conftest import write_table
from pocketformer.advice import RULES, Question, Situation, advise
from pocketformer.advice.document import table_of
from pocketformer.cli import app
from pocketformer.errors import RecipeError
from pocketformer.recipe import Recipe

_DOCUMENT = Path(__file__).parents[2] / "docs" / "choosing.md"

situations = st.builds(
    Situation,
    platform=st.sampled_from(["android", "ios", "web", "server"]),
    release=st.none() | st.sampled_from(["2.9", "2.14", "2.18", "2.21", "15", "16", "17", "18"]),
    max_mb=st.none() | st.floats(0.1, 100),
    max_drop=st.none() | st.floats(0, 2),
    rows=st.integers(2, 100_000),
    labels=st.integers(2, 100),
    unlabelled=st.integers(0, 1000),
    may_train=st.booleans(),
)


def settings(**given: Any) -> dict[str, Any]:
    fields = {"rows": 10_000, "labels": 77, **given}
    return {
        f"{section}.{name}": value
        for section, values in advise(Situation.model_validate(fields)).settings.items()
        for name, value in values.items()
    }


@given(situations)
def test_every_situation_has_an_answer_to_every_question_and_a_recipe(situation: Situation) -> None:
    advice = advise(situation)
    assert {reason.question for reason in advice.reasons} == {question.value for question in Question}
    fields = {"name": "mine", "base": "b", "output": "o", "data": {"train": "t.csv"}, **advice.settings}
    if "student" not in advice.settings:
        assert "distill" not in advice.settings
    Recipe.model_validate(fields)


def test_old_phones_get_what_they_can_open() -> None:
    assert settings(release="2.14")["export.precisions"] == ("fp16",)
    assert settings(release="2.17")["export.precisions"] == ("fp16",)
    assert settings(release="2.18")["export.precisions"] == ("int8",)
    assert settings(release="2.18")["export.runtime"] == "2.18"
    assert settings(platform="ios", release="18")["export.ios"] == "18"
    assert settings(platform="ios", release="15")["export.precisions"] == ("fp16",)
    assert settings(platform="ios", release="16", max_mb=2)["export.precisions"] == ("palette4",)
    assert settings(platform="ios", release="18", max_mb=2)["export.precisions"] == ("w4-e4-a8",)


def test_a_smaller_budget_gets_a_smaller_model_and_training_for_it() -> None:
    assert "student.layers" not in settings()
    assert (settings(max_mb=6)["student.neurons"], settings(max_mb=5)["student.neurons"]) == (1024, 512)
    assert (settings(max_mb=3.1)["student.neurons"], settings(max_mb=2.5)["student.neurons"]) == (1024, 512)
    small = settings(max_mb=2)
    assert not small["student.foreign_letters"]
    assert small["student.layers"] == 1
    assert small["distill.quantize"] == "w4-e4-a8"
    assert "distill.quantize" not in settings(max_mb=2, may_train=False)


def test_where_little_may_be_lost_there_are_scales_in_blocks_and_room_for_them() -> None:
    exact = settings(max_mb=2.5, max_drop=0.1)
    assert exact["export.precisions"] == ("int4",)
    assert exact["distill.quantize"] == "w4b32-e4b32-a8"
    assert exact["student.layers"] == 1  # 3 layers take 2.52 MB in blocks
    assert settings(max_mb=2.5, max_drop=0.1, release="2.18")["export.precisions"] == ("w4-e4-a8",)


def test_few_labels_are_helped_by_texts_without_one() -> None:
    reasons = {r.question: r.advice for r in advise(Situation(rows=770, labels=77)).reasons}
    assert reasons[Question.DATA.value] == "collect texts without labels"


def test_a_release_that_is_none_is_a_sentence() -> None:
    with pytest.raises(RecipeError, match="'latest' is no release"):
        Situation(release="latest", rows=10, labels=2)


def test_the_command_writes_a_recipe_that_loads(tmp_path: Path) -> None:
    table = write_table(tmp_path / "train.csv", 60, seed=3)
    path = tmp_path / "small.toml"
    done = CliRunner().invoke(app, ["advise", str(table), "--max-mb", "2", "-o", str(path)])
    assert done.exit_code == 0, done.output
    recipe = Recipe.load(path)
    assert recipe.data.train == table
    assert recipe.student is not None
    assert tomllib.loads(path.read_text())["export"]["precisions"] == ["w4-e4-a8"]
    assert "# How are weights stored? less than 4.3 MB" in path.read_text()


def test_the_document_is_the_table_that_decides() -> None:
    assert table_of(RULES) in _DOCUMENT.read_text("utf-8")
