"""The report on a distilled student: teacher and student side by side, or the teacher's name alone."""

from __future__ import annotations

from dataclasses import replace

from pocketformer.edition import Edition
from pocketformer.report.blocks import Bullets, Paragraph, Table
from pocketformer.report.sections.student import student_section
from pocketformer.shrink import Pruning, ShrinkResult


def test_a_model_that_was_not_distilled_has_no_such_section(full_edition: Edition) -> None:
    assert student_section(full_edition) is None


def test_student_stands_beside_its_teacher(full_edition: Edition) -> None:
    teacher = full_edition.training
    assert teacher is not None
    student = replace(
        teacher, teacher="dist/teacher", parameters=teacher.parameters // 4, accuracy=teacher.accuracy - 0.01
    )
    cut = ShrinkResult("out", "dist/teacher", (1, 3), 6, 90, 300, 1000, 10, 40, None, ("Layers: 1, 3 of 6.",))
    edition = full_edition.model_copy(update={"training": student, "teacher": teacher, "student": cut})
    section = student_section(edition)
    assert section is not None
    sentence, table, kept, bullets = section.blocks
    assert isinstance(sentence, Paragraph)
    assert isinstance(table, Table)
    assert isinstance(kept, Table)
    assert isinstance(bullets, Bullets)
    assert "25.00 % of its teacher's parameters" in sentence.text
    assert "−1.00 points" in sentence.text
    assert [row[0] for row in table.rows] == ["teacher", "student"]
    assert table.rows[0][1] == "22.71"
    assert kept.rows == (
        ("Layers", "6", "2", "33.33"),
        ("Vocabulary, pieces", "300", "90", "30.00"),
        ("Parameters", "40", "10", "25.00"),
    )
    elsewhere = student_section(edition.model_copy(update={"teacher": None}))
    assert elsewhere is not None
    assert "dist/teacher, which was trained elsewhere" in str(elsewhere.blocks[0])


def test_neurons_and_heads_that_went_are_told(full_edition: Edition) -> None:
    assert full_edition.training is not None
    pruning = Pruning(512, 1536, 0.9, 6, 12, 0.8, 32, ((0, 1, 2, 3, 4, 5),), 1000)
    cut = ShrinkResult("out", "t", (0,), 1, 9, 9, 0, 10, 40, None, tuple(pruning.sentences()), None, pruning)
    training = replace(full_edition.training, teacher="t")
    section = student_section(full_edition.model_copy(update={"training": training, "student": cut}))
    assert section is not None
    kept = section.blocks[2]
    assert isinstance(kept, Table)
    assert ("Feed-forward neurons per layer", "1,536", "512", "33.33") in kept.rows
    assert ("Attention heads per layer", "12", "6", "50.00") in kept.rows
