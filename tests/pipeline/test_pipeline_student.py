"""A recipe with a student: teacher, cut, distilled, delivered; and only what changed is done again."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import write_table
from pocketformer.checkpoint import load_classifier, load_tokenizer
from pocketformer.errors import RecipeError
from pocketformer.pipeline.rows import read_rows
from pocketformer.pipeline.training import Trained, trained
from pocketformer.recipe import Recipe
from tiny import tiny_checkpoint
from watching import Watcher

RECIPE = """
name = "tiny"
base = "./base"
output = "dist"
[data]
train = "train.csv"
unlabelled = "pool.txt"
[finetune]
epochs = 3
max_length = 32
learning_rate = 0.003
[student]
layers = 1
[distill]
epochs = 2
max_length = 32
learning_rate = 0.003
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tiny_checkpoint(tmp_path / "base", num_hidden_layers=3)
    write_table(tmp_path / "train.csv", 120, seed=1)
    (tmp_path / "pool.txt").write_text("please help my card\nhello world 5\nplease  HELP my card\n", "utf-8")
    (tmp_path / "recipe.toml").write_text(RECIPE, "utf-8")
    return tmp_path


def follow(folder: Path, text: str | None = None) -> tuple[Trained, Watcher]:
    if text is not None:
        (folder / "recipe.toml").write_text(text, "utf-8")
    recipe, watcher = Recipe.load(folder / "recipe.toml"), Watcher()
    return trained(recipe, read_rows(recipe.data, watcher), watcher), watcher


def test_student_is_cut_from_its_teacher_and_distilled(folder: Path) -> None:
    result, watcher = follow(folder)
    assert watcher.done == ["finetune teacher", "shrink student-start", "distill"]
    assert result.teacher is not None
    assert result.student is not None
    assert result.training.parameters < result.teacher.parameters
    model, tokenizer = load_classifier(folder / "dist/checkpoint"), load_tokenizer(folder / "dist/checkpoint")
    assert model.encoder.config.num_hidden_layers == 1
    assert len(tokenizer) < len(load_tokenizer(folder / "dist/teacher"))
    assert any("2 texts without a label" in note for note in result.training.notes)


def test_only_what_changed_is_done_again(folder: Path) -> None:
    first, _ = follow(folder)
    again, watcher = follow(folder)
    assert watcher.done == []
    assert again == first
    assert watcher.kept_stages == ["finetune teacher", "shrink student-start", "distill"]
    _, watcher = follow(folder, RECIPE.replace("[distill]", "[distill]\ntemperature = 4"))
    assert watcher.done == ["distill"]
    _, watcher = follow(folder, RECIPE.replace("layers = 1", "layers = 2"))
    assert watcher.done == ["shrink student-start", "distill"]


def test_an_assistant_stands_between(folder: Path) -> None:
    cut = "layers = 1\nassistant_layers = 2\nneurons = 16\nheads = 1"
    result, watcher = follow(folder, RECIPE.replace("layers = 1", cut))
    assert watcher.done == [
        "finetune teacher", "shrink assistant-start", "distill assistant", "shrink student-start", "distill",
    ]  # fmt: skip
    assert result.assistant is not None
    assert result.training.teacher == result.assistant.directory == str(folder / "dist/assistant")
    neurons = [
        load_classifier(folder / "dist" / name).encoder.config.intermediate_size
        for name in ("teacher", "assistant", "checkpoint")
    ]
    assert neurons == [64, 64, 16]  # the assistant is cut in layers alone
    assert result.student is not None
    assert result.student.pruning is not None
    assert result.student.pruning.heads == 1


def test_a_teacher_that_is_there_is_not_trained(folder: Path) -> None:
    follow(folder)
    text = RECIPE.replace('output = "dist"', 'output = "other"\nteacher = "./dist/teacher"')
    result, watcher = follow(folder, text)
    assert watcher.done == ["shrink student-start", "distill"]
    assert result.teacher is None


@pytest.mark.parametrize("line", ['teacher = "./dist/teacher"', "[distill]", "[data]"])
def test_what_needs_a_student_is_refused_without_one(folder: Path, line: str) -> None:
    text = 'name = "tiny"\nbase = "./base"\noutput = "dist"\n'
    data = '[data]\ntrain = "train.csv"\n'
    extra = {"[distill]": data + "[distill]\nepochs = 2\n", "[data]": data + 'unlabelled = "pool.txt"\n'}
    (folder / "recipe.toml").write_text(text + extra.get(line, f"{line}\n{data}"), "utf-8")
    with pytest.raises(RecipeError, match=r"\[student\]"):
        Recipe.load(folder / "recipe.toml")


def test_augmentation_is_compared_with_the_same_training_without_it(folder: Path) -> None:
    result, watcher = follow(folder, RECIPE + "[augment]\ncopies = 1\n")
    assert watcher.done == [
        "augment", "finetune teacher", "shrink student-start", "distill",
        "distill checkpoint-without-augmentation",
    ]  # fmt: skip
    assert result.augmentation is not None
    assert sum(result.augmentation.report.copies.values()) > 50
    assert result.augmentation.accuracy == result.training.accuracy
    plain, _ = follow(
        folder, RECIPE.replace('output = "dist"', 'output = "plain"\nteacher = "./dist/teacher"')
    )
    assert result.augmentation.plain_accuracy == plain.training.accuracy
    _, watcher = follow(folder, RECIPE + "[augment]\ncopies = 1\n")
    assert watcher.done == ["augment"]
