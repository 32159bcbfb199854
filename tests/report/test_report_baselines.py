"""The report says plainly whether a model beats what needs no transformer, and warns where it does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pocketformer.edition import EDITION_FILE, Edition, EditionFile
from pocketformer.report import write_report
from pocketformer.train.baselines import Baseline, Baselines


def found(accuracy: float, majority: float = 0.25) -> Baselines:
    return Baselines(
        1116,
        300,
        ("condition",),
        42_606,
        Baseline(majority, 0.1, 0.01, 0),
        Baseline(accuracy, 0.9, 4.2, 6_061_301),
    )


def report(edition: Edition, folder: Path) -> str:
    return write_report(edition, folder)[1].read_text("utf-8")


def test_a_model_that_wins_is_said_to_win_by_how_much(full_edition: Edition, tmp_path: Path) -> None:
    said = report(full_edition.model_copy(update={"baselines": found(0.9006)}), tmp_path)
    assert (
        "On the 300 held-out rows notices.int8.tflite is right on 93.00 %: it beats TF-IDF + linear by 2.94 "
        "points and beats always saying “condition”, the commonest label, by 68.00 points."
    ) in said
    assert "Warning" not in said
    assert "| the PyTorch model | 93.33 |" in said
    assert "| TF-IDF + linear | 90.06 | 90.00 | 6.06 | 4.20 |" in said
    assert "| the commonest label | 25.00 | 10.00 | 0 |" in said


@pytest.mark.parametrize(
    ("linear", "sentence", "warning"),
    [
        (0.95, "loses to TF-IDF + linear by 2.00 points", "Do not ship it"),
        (0.925, "beats TF-IDF + linear by 0.50 points", "less than a point"),
        (0.93, "does as well as TF-IDF + linear", "less than a point"),
    ],
)
def test_a_model_that_does_not_win_by_a_point_is_warned_of(
    full_edition: Edition, tmp_path: Path, linear: float, sentence: str, warning: str
) -> None:
    said = report(full_edition.model_copy(update={"baselines": found(linear)}), tmp_path)
    assert sentence in said
    assert warning in said.split("Warning: ")[1]


def test_a_model_that_loses_to_the_commonest_label_alone_is_warned_of(
    full_edition: Edition, tmp_path: Path
) -> None:
    said = report(full_edition.model_copy(update={"baselines": found(0.5, majority=0.97)}), tmp_path)
    assert "loses to always saying “condition”" in said
    assert "Do not ship it" in said


def test_without_a_verified_file_the_baselines_stand_alone(minimal_edition: Edition, tmp_path: Path) -> None:
    said = report(minimal_edition.model_copy(update={"baselines": found(0.9)}), tmp_path)
    assert "| TF-IDF + linear | 90.00 |" in said
    assert "On the 300 held-out" not in said


def test_with_no_file_that_passed_the_pytorch_model_is_compared(
    full_edition: Edition, make_file: Callable[..., EditionFile], tmp_path: Path
) -> None:
    missed = make_file("int8", ("It missed.",))
    edition = full_edition.model_copy(update={"files": (missed,), "baselines": found(0.9)})
    assert "the PyTorch model is right on 93.33 %" in report(edition, tmp_path)


def test_several_labels_are_said_to_be_all_right(multi_label_edition: Edition, tmp_path: Path) -> None:
    said = report(multi_label_edition.model_copy(update={"baselines": found(0.9)}), tmp_path)
    assert "the commonest set of labels" in said
    assert "every label of a text right" in said


def test_an_edition_keeps_its_baselines_and_one_from_before_them_still_loads(
    full_edition: Edition, tmp_path: Path
) -> None:
    edition = full_edition.model_copy(update={"baselines": found(0.9)})
    edition.save(tmp_path)
    assert Edition.load(tmp_path).baselines == found(0.9)
    fields = json.loads((tmp_path / EDITION_FILE).read_bytes())
    del fields["baselines"]
    (tmp_path / EDITION_FILE).write_text(json.dumps(fields), "utf-8")
    old = Edition.load(tmp_path)
    assert old.baselines is None
    assert "Baselines" not in report(old, tmp_path)
