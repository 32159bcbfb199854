"""The report says in words whether augmentation helped, and calls a difference within chance none."""

from __future__ import annotations

from pathlib import Path

import pytest

from pocketformer.data.augmentation import AugmentExample, AugmentReport
from pocketformer.edition import AugmentationSection, Edition
from pocketformer.report import write_report

REPORT = AugmentReport(
    1116, {"deletion": 540, "swap": 551}, 21, 4, (AugmentExample("swap", "a <b> | c", "c <b> | a"),)
)


def report(edition: Edition, folder: Path, accuracy: float, plain: float = 0.9, texts: int = 900) -> str:
    section = AugmentationSection(
        report=REPORT,
        dev_texts=texts,
        accuracy=accuracy,
        macro_f1=0.88,
        plain_accuracy=plain,
        plain_macro_f1=0.89,
    )
    return write_report(edition.model_copy(update={"augmentation": section}), folder)[1].read_text("utf-8")


# The standard error of 900 texts at 90 % is exactly one point.
@pytest.mark.parametrize(
    ("accuracy", "verdict", "points"),
    [
        (0.911, "Augmentation helped", "+1.10"),
        (0.909, "Augmentation made no difference", "+0.90"),
        (0.9, "Augmentation made no difference", "0.00"),
        (0.891, "Augmentation made no difference", "−0.90"),
        (0.889, "Augmentation did harm", "−1.10"),
    ],
)
def test_the_verdict_is_measured_against_the_standard_error(
    full_edition: Edition, tmp_path: Path, accuracy: float, verdict: str, points: str
) -> None:
    said = report(full_edition, tmp_path, accuracy)
    assert verdict in said
    assert f"{accuracy * 100:.2f} % with it and 90.00 % without, {points} points" in said
    assert "the standard error of 900 dev texts, 1.00 points" in said
    assert ("Leave [augment] out" in said.replace("\\", "")) == ("harm" in verdict)


def test_no_difference_at_full_marks_is_none(full_edition: Edition, tmp_path: Path) -> None:
    assert "made no difference" in report(full_edition, tmp_path, 1.0, plain=1.0)


def test_copies_and_examples_are_shown(full_edition: Edition, tmp_path: Path) -> None:
    said = report(full_edition, tmp_path, 0.91)
    for row in (
        "| with copies | 2,207 | 91.00 | 88.00 |",
        "| without copies | 1,116 | 90.00 | 89.00 |",
        "| kept, by deletion | 540 |",
        "| dropped: equal to a held-out text | 4 |",
        r"| swap | a &lt;b&gt; \| c | c &lt;b&gt; \| a |",
    ):
        assert row in said


def test_an_edition_without_augmentation_says_nothing_of_it(full_edition: Edition, tmp_path: Path) -> None:
    full_edition.save(tmp_path)
    assert "Augmentation" not in write_report(Edition.load(tmp_path), tmp_path)[1].read_text("utf-8")
