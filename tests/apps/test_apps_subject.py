"""What an app is about: the file it carries, the names it goes by, the texts a person starts with."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pocketformer.apps import Subject
from pocketformer.apps.examples import examples_among
from pocketformer.checks import GOLDEN_FILE
from pocketformer.checks.golden import GoldenCase
from pocketformer.errors import ExportError, FileFormatError, RecipeError


@pytest.fixture
def subject(finished: Path) -> Subject:
    return Subject.load(finished)


def named(subject: Subject, name: str) -> Subject:
    return replace(subject, edition=subject.edition.model_copy(update={"name": name}))


def case(text: str, *scores: float, truncated: bool = False) -> GoldenCase:
    return GoldenCase(bytes="", text=text, input_ids=(), length=0, truncated=truncated, scores=scores)


def test_int8_is_carried_unless_another_is_asked_for(subject: Subject) -> None:
    assert subject.file("litert").file == "tiny.int8.tflite"
    assert subject.file("litert", "fp32").file == "tiny.fp32.tflite"
    kept = tuple(entry for entry in subject.edition.files if entry.precision != "int8")
    without = replace(subject, edition=subject.edition.model_copy(update={"files": kept}))
    assert without.file("litert").precision == "fp16"


def test_a_file_that_is_not_there_or_not_proven_is_refused(subject: Subject) -> None:
    with pytest.raises(
        RecipeError, match=r"no proven int4 file of format litert .*tiny\.int8\.tflite.*--precision int4"
    ):
        subject.file("litert", "int4")
    unproven = tuple(entry.model_copy(update={"verdict": None}) for entry in subject.edition.files)
    changed = replace(subject, edition=subject.edition.model_copy(update={"files": unproven}))
    with pytest.raises(RecipeError, match=r"no proven file of format litert that takes text \(there: none\)"):
        changed.file("litert")


def test_names_for_people_and_for_packages(subject: Subject) -> None:
    assert (subject.title, subject.identifier) == ("Tiny", "tiny")
    other = named(subject, "3d-shop_titles")
    assert (other.title, other.identifier) == ("3d Shop Titles", "model3dshoptitles")
    assert named(subject, "商品").identifier == "model"


def test_an_encoder_and_an_empty_folder_are_refused(dist: Path, tmp_path: Path) -> None:
    edition = json.loads((dist / "edition.json").read_text())
    (dist / "edition.json").write_text(json.dumps({**edition, "kind": "encoder"}))
    with pytest.raises(ExportError, match="holds an encoder, which gives states and no labels"):
        Subject.load(dist)
    with pytest.raises(FileFormatError, match="holds no"):
        Subject.load(tmp_path / "nothing")


def test_golden_texts_are_needed(dist: Path) -> None:
    (dist / GOLDEN_FILE).unlink()
    with pytest.raises(FileFormatError, match=GOLDEN_FILE):
        Subject.load(dist)


def test_examples_are_real_sentences(subject: Subject) -> None:
    assert 1 <= len(subject.examples) <= 6
    texts = {one.text for one in subject.golden.cases}
    assert set(subject.examples) <= texts


def test_examples_take_turns_between_labels_the_surest_first() -> None:
    cases = [
        case("First sentence here.", 0.6, 0.4),
        case("Second sentence here.", 0.9, 0.1),
        case("Third sentence here.", 0.2, 0.8),
        case("A1-B2/C3 #4 55 %; 66 %; 77 %.", 1.0, 0.0),
        case("no capital letter here.", 1.0, 0.0),
        case("Cut, as it is too long.", 1.0, 0.0, truncated=True),
        case("Наше первое предложение.", 1.0, 0.0),
    ]
    expected = ("Second sentence here.", "Third sentence here.", "First sentence here.")
    assert examples_among(cases, ("a", "b"), (), 6) == expected
    assert examples_among(cases, ("a", "b"), (), 2) == expected[:2]


def test_examples_are_in_the_letters_of_the_models_texts() -> None:
    cases = [
        case("An English sentence.", 1.0),
        case("Наше первое предложение.", 0.5),
        case("请先关闭电源,再打开机盖。", 0.9),
    ]
    assert examples_among(cases, ("a",), ["первое, наше", "предложение"], 6) == ("Наше первое предложение.",)
    assert examples_among(cases, ("a",), ["请关闭电源再打开"], 6) == ("请先关闭电源,再打开机盖。",)
