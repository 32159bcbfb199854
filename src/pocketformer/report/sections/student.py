"""The student: how it was cut out of its teacher, and how near it comes to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketformer.report import figures
from pocketformer.report.blocks import Block, Bullets, Column, Paragraph, Section, Table

if TYPE_CHECKING:
    from pocketformer.edition import Edition
    from pocketformer.shrink import ShrinkResult
    from pocketformer.train import FinetuneResult

__all__ = ["student_section"]


def student_section(edition: Edition) -> Section | None:
    """Return the models on the way to the student side by side, and what was kept of the teacher."""
    result = edition.training
    if result is None or result.teacher is None:
        return None
    blocks: list[Block] = [Paragraph(_sentence(edition, result)), _models(edition, result)]
    if edition.student is not None:
        blocks += [_kept(edition.student), Bullets(edition.student.notes)]
    return Section("student", "Student and teacher", blocks)


def _sentence(edition: Edition, result: FinetuneResult) -> str:
    teacher = edition.teacher
    if teacher is None:
        return f"Distilled from {result.teacher}, which was trained elsewhere."
    share = result.parameters / teacher.parameters
    difference = result.accuracy - teacher.accuracy
    return (
        f"The student has {figures.percent(share)} % of its teacher's parameters; its dev accuracy is "
        f"{figures.points(difference)} points from the teacher's."
    )


def _kept(cut: ShrinkResult) -> Table:
    """Return the parts of the checkpoint it was cut from, with how many there were and are."""
    parts = [("Layers", cut.layers_before, len(cut.layers))]
    if cut.pruning is not None:
        pruning = cut.pruning
        parts += [
            ("Feed-forward neurons per layer", pruning.neurons_before, pruning.neurons),
            ("Attention heads per layer", pruning.heads_before, pruning.heads),
        ]
    parts += [
        ("Vocabulary, pieces", cut.pieces_before, cut.pieces),
        ("Parameters", cut.parameters_before, cut.parameters),
    ]
    columns = (Column("Part", numeric=False), Column("Before"), Column("Kept"), Column("Kept, %"))
    rows = tuple(
        (name, figures.count(before), figures.count(kept), figures.percent(kept / before))
        for name, before, kept in parts
    )
    return Table("What was kept of the checkpoint it was cut from", columns, rows)


def _models(edition: Edition, result: FinetuneResult) -> Table:
    columns = (
        Column("Model", numeric=False),
        Column("Million parameters"),
        Column("Dev accuracy, %"),
        Column("Dev macro-F1, %"),
        Column("Epochs"),
        Column("Time"),
    )
    models = (("teacher", edition.teacher), ("assistant", edition.assistant), ("student", result))
    rows = tuple(_row(name, model) for name, model in models if model is not None)
    return Table("Trained on the way", columns, rows)


def _row(name: str, model: FinetuneResult) -> tuple[str, ...]:
    return (
        name,
        f"{model.parameters / 1e6:.2f}",
        figures.percent(model.accuracy),
        figures.percent(model.macro_f1),
        str(len(model.epochs)),
        figures.duration(model.seconds),
    )
