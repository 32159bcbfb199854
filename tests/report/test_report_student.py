"""The report on a distilled student: teacher and student side by side, or the teacher's name alone."""

from __future__ import annotations

from dataclasses import replace

from pocketformer.edition import Edition
from pocketformer.report.blocks import Bullets, Paragraph, Table
from pocketformer.report.sections.student import student_section
from pocketformer.shrink import ShrinkResult


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
    sentence, table, bullets = section.blocks
    assert isinstance(sentence, Paragraph)
    assert isinstance(table, Table)
    assert isinstance(bullets, Bullets)
    assert "25.00 % of its teacher's parameters" in sentence.text
    assert "−1.00 points" in sentence.text
    assert [row[0] for row in table.rows] == ["teacher", "student"]
    assert table.rows[0][1] == "22.71"
    elsewhere = student_section(edition.model_copy(update={"teacher": None}))
    assert elsewhere is not None
    assert "dist/teacher, which was trained elsewhere" in str(elsewhere.blocks[0])
