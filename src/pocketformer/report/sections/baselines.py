"""Baselines: what the model has to beat, and whether it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketformer.report import figures
from pocketformer.report.blocks import Column, Paragraph, Section, Table
from pocketformer.report.lookups import reference_quality, smallest_passing

if TYPE_CHECKING:
    from pocketformer.edition import Edition
    from pocketformer.train import Metrics
    from pocketformer.train.baselines import Baselines

__all__ = ["baselines_section"]

LINEAR, MAJORITY = "TF-IDF + linear", "the commonest label"
#: A model that wins by less is hardly worth its size and its milliseconds.
WORTHWHILE = 0.01


def baselines_section(edition: Edition) -> Section | None:
    """Return the two baselines beside the model, and who wins."""
    found = edition.baselines
    if found is None:
        return None
    contenders = _contenders(edition)
    blocks: list[Paragraph | Table] = []
    if contenders:
        blocks = [Paragraph(sentence) for sentence in _verdict(found, contenders[0], edition.multi_label)]
    return Section("baselines", "Baselines", [*blocks, _table(found, contenders, edition.multi_label)])


def _contenders(edition: Edition) -> list[tuple[str, Metrics, int | None]]:
    """Return name, quality and bytes of what is delivered, and of the model it was made from."""
    contenders: list[tuple[str, Metrics, int | None]] = []
    file = smallest_passing(edition)
    if file is not None and file.verdict is not None and file.verdict.quality is not None:
        contenders.append((file.file, file.verdict.quality, file.size_bytes))
    reference = reference_quality(edition)
    if reference is not None:
        contenders.append(("the PyTorch model", reference, None))
    return contenders


def _verdict(found: Baselines, contender: tuple[str, Metrics, int | None], multi_label: bool) -> list[str]:
    """Return a sentence on who wins, and a warning where the model does not by enough."""
    name, quality, _ = contender
    differences = {
        LINEAR: quality.accuracy - found.linear.accuracy,
        _majority_name(found, multi_label): quality.accuracy - found.majority.accuracy,
    }
    said = " and ".join(_comparison(other, difference) for other, difference in differences.items())
    sentences = [
        f"On the {found.test_texts:,} held-out rows {name} is right on {figures.percent(quality.accuracy)} %"
        f": it {said}."
    ]
    smallest = min(differences.values())
    if smallest < 0:
        sentences.append(
            "Warning: this model loses to a method that needs no transformer. Do not ship it as it is: train "
            "it longer, with another learning rate or a larger base, or ship the linear one."
        )
    elif smallest < WORTHWHILE:
        sentences.append(
            "Warning: this model wins by less than a point over a method that needs no transformer. Weigh "
            "whether that is worth its size, or train it longer or from a larger base."
        )
    return sentences


def _comparison(name: str, difference: float) -> str:
    points = figures.points(abs(difference)).lstrip("+")
    if points == "0.00":
        return f"does as well as {name}"
    verb = "beats" if difference > 0 else "loses to"
    return f"{verb} {name} by {points} points"


def _majority_name(found: Baselines, multi_label: bool) -> str:
    said = " + ".join(found.majority_labels) or "no label"
    return f"always saying “{said}”, the commonest {'set of labels' if multi_label else 'label'},"


def _table(found: Baselines, contenders: list[tuple[str, Metrics, int | None]], multi_label: bool) -> Table:
    columns = (
        Column("Method", numeric=False, prose=True),
        Column("Accuracy, %"),
        Column("Macro-F1, %"),
        Column("Size, MB"),
        Column("Seconds to learn and label"),
    )
    rows = [
        (
            name,
            figures.percent(quality.accuracy),
            figures.percent(quality.macro_f1),
            figures.megabytes(size),
            "",
        )
        for name, quality, size in contenders
    ]
    rows += [
        (
            name,
            figures.percent(baseline.accuracy),
            figures.percent(baseline.macro_f1),
            figures.megabytes(baseline.size_bytes),
            figures.significant(baseline.seconds),
        )
        for name, baseline in ((LINEAR, found.linear), (MAJORITY, found.majority))
    ]
    return Table("The model and what it has to beat", columns, tuple(rows), _note(found, multi_label))


def _note(found: Baselines, multi_label: bool) -> str:
    meaning = " Accuracy: every label of a text right." if multi_label else ""
    return (
        f"Baselines learned from the same {found.train_texts:,} training rows. TF-IDF + linear: one support "
        f"vector machine per label over {found.features:,} n-grams of words and characters; its size is "
        f"computed, a float32 per n-gram and label and the n-grams' letters.{meaning}"
    )
