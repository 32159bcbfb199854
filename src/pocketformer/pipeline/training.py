"""The trainings of a recipe: one model fine-tuned, or a teacher, its student cut out, and that distilled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from pocketformer import files
from pocketformer.checkpoint import local_directory
from pocketformer.data import Columns, LabeledTexts, new_texts, read_texts
from pocketformer.data.augmentation import AugmentReport, AugmentSettings, augment
from pocketformer.edition import AugmentationSection
from pocketformer.pipeline.ledger import Ledger, Result, key_of
from pocketformer.pipeline.observer import Observer, Progress
from pocketformer.pipeline.rows import Rows
from pocketformer.recipe import Recipe, StudentRecipe
from pocketformer.shrink import ShrinkResult, shrink
from pocketformer.train import FinetuneResult, distill, finetune
from pocketformer.train.masked_words import masked_words_for
from pocketformer.train.work import checkpoint_digest

__all__ = ["CHECKPOINT_DIRECTORY", "Trained", "trained"]

#: Names in an edition's directory: what is delivered, and what was trained on the way.
CHECKPOINT_DIRECTORY = "checkpoint"
TEACHER_DIRECTORY = "teacher"
ASSISTANT_DIRECTORY = "assistant"
PLAIN_DIRECTORY = "checkpoint-without-augmentation"
_WEIGHTS = "model.safetensors"


@dataclass(frozen=True, slots=True)
class Trained:
    """What was trained on the way to the checkpoint.

    Attributes:
        training: Of the checkpoint itself.
        teacher: Of the model it was distilled from, when that was trained here.
        assistant: Of the model between the two, if there is one.
        student: How the student was made, if it was.
        augmentation: What the changed copies did, if there were any.
    """

    training: FinetuneResult
    teacher: FinetuneResult | None = None
    assistant: FinetuneResult | None = None
    student: ShrinkResult | None = None
    augmentation: AugmentationSection | None = None


def trained(recipe: Recipe, rows: Rows, observer: Observer) -> Trained:
    """Leave a checkpoint in the recipe's output, made now or by an earlier run.

    Raises:
        PocketformerError: A sentence for the person; what was finished before it is kept.
    """
    workshop = _Workshop(recipe, rows, observer)
    train, report = rows.train, None
    if recipe.augment is not None:
        train, report = workshop.augmented(recipe.augment)
    if recipe.student is None:
        made = Trained(workshop.finetuned(recipe.base, train, CHECKPOINT_DIRECTORY))
        if report is None:
            return made
        plain = workshop.finetuned(recipe.base, rows.train, PLAIN_DIRECTORY)
    else:
        made, teacher, start = _with_student(recipe, recipe.student, workshop, train)
        if report is None:
            return made
        plain = workshop.distilled(teacher, start, rows.train, PLAIN_DIRECTORY)
    return replace(made, augmentation=_compared(report, made.training, plain, len(rows.dev)))


def _with_student(
    recipe: Recipe, student: StudentRecipe, workshop: _Workshop, train: LabeledTexts
) -> tuple[Trained, str, str]:
    """Train a teacher, an assistant if any, and the student; return whom it learned from, and its start."""
    teacher, teacher_result, assistant_result = recipe.teacher, None, None
    if teacher is None:
        teacher_result = workshop.finetuned(recipe.base, train, TEACHER_DIRECTORY)
        teacher = teacher_result.directory
    if student.assistant_layers is not None:
        whole = {"base": None, "neurons": None, "heads": None}  # the student's parts are cut from it
        between = student.model_copy(update={"layers": student.assistant_layers, **whole})
        start, _ = workshop.cut(between, teacher, f"{ASSISTANT_DIRECTORY}-start")
        assistant_result = workshop.distilled(teacher, start, train, ASSISTANT_DIRECTORY)
        teacher = assistant_result.directory
    start, cut = workshop.cut(student, teacher, "student-start")
    result = workshop.distilled(teacher, start, train, CHECKPOINT_DIRECTORY)
    return Trained(result, teacher_result, assistant_result, cut), teacher, start


def _compared(
    report: AugmentReport, result: FinetuneResult, plain: FinetuneResult, dev_texts: int
) -> AugmentationSection:
    return AugmentationSection(
        report=report,
        dev_texts=dev_texts,
        accuracy=result.accuracy,
        macro_f1=result.macro_f1,
        plain_accuracy=plain.accuracy,
        plain_macro_f1=plain.macro_f1,
    )


@dataclass(frozen=True, slots=True)
class _Kept:
    """The weights that a finished stage wrote."""

    sha256: str


class _Workshop:
    """Does each stage once; what it wrote is kept while its inputs and its weights are the recorded ones."""

    def __init__(self, recipe: Recipe, rows: Rows, observer: Observer) -> None:
        self._recipe, self._rows, self._observer = recipe, rows, observer
        self._ledger = Ledger(recipe.output)
        self._data = [
            str(table)
            for table in (rows.section.train, rows.section.test, recipe.data.model_dump(mode="json"))
        ]

    def augmented(self, settings: AugmentSettings) -> tuple[LabeledTexts, AugmentReport]:
        """Return the training texts with changed copies among them."""
        rows = self._rows
        held_out = (*rows.dev.texts, *rows.test.texts)
        with self._observer.stage("augment") as progress:
            fill = masked_words_for(settings, self._recipe.base, progress)
            train, report = augment(rows.train, settings, held_out, fill)
        for sentence in report.sentences():
            self._observer.say(sentence)
        return train, report

    def finetuned(self, base: str, train: LabeledTexts, name: str) -> FinetuneResult:
        """Fine-tune a base into the directory `name` of the output."""
        settings, dev = self._recipe.finetune, self._rows.dev

        def work(directory: Path, progress: Progress) -> FinetuneResult:
            return finetune(base, train, dev, directory, settings, progress)

        key = key_of(_digest_of(base), self._data, train.texts, settings.model_dump())
        return self._told(self._done("finetune", key, name, FinetuneResult, work))

    def cut(self, student: StudentRecipe, teacher: str, name: str) -> tuple[str, ShrinkResult]:
        """Make the checkpoint a student starts from; return its directory."""
        rows = self._rows
        texts = (*rows.train.texts, *self.unlabelled)
        source = student.base or teacher

        def work(directory: Path, progress: Progress) -> ShrinkResult:
            return shrink(source, directory, student, texts, rows.train, rows.dev, progress)

        words = None if student.words is None or not student.words.is_file() else files.sha256(student.words)
        key = key_of(_digest_of(source), self._data, texts, words, student.model_dump(mode="json"))
        return str(self._recipe.output / name), self._done("shrink", key, name, ShrinkResult, work)

    def distilled(self, teacher: str, start: str, train: LabeledTexts, name: str) -> FinetuneResult:
        """Distil a teacher into the checkpoint at `start`, into the directory `name`."""
        settings, dev, pool = self._recipe.distill, self._rows.dev, self.unlabelled

        def work(directory: Path, progress: Progress) -> FinetuneResult:
            return distill(teacher, start, train, dev, directory, settings, pool, progress)

        models = [_digest_of(teacher), _digest_of(start)]
        key = key_of(models, self._data, train.texts, pool, settings.model_dump())
        return self._told(self._done("distill", key, name, FinetuneResult, work))

    @cached_property
    def unlabelled(self) -> tuple[str, ...]:
        """Return the texts without labels; none that is held out, or that has a label."""
        data, rows = self._recipe.data, self._rows
        if data.unlabelled is None:
            return ()
        found = read_texts(data.unlabelled, Columns(data.text))
        return new_texts(found, rows.train.texts, rows.dev.texts, rows.test.texts)

    def _done(
        self, verb: str, key: str, name: str, kind: type[Result], work: Callable[[Path, Progress], Result]
    ) -> Result:
        stage = verb if name == CHECKPOINT_DIRECTORY else f"{verb} {name}"
        directory = self._recipe.output / name
        weights = directory / _WEIGHTS
        known = self._ledger.get(stage, key, kind)
        written = self._ledger.get(f"{stage} weights", key, _Kept)
        is_there = written is not None and weights.is_file() and files.sha256(weights) == written.sha256
        if known is not None and is_there:
            self._observer.kept(stage)
            return known
        with self._observer.stage(stage) as progress:
            result = work(directory, progress)
        self._ledger.put(f"{stage} weights", key, _Kept(files.sha256(weights)))
        self._ledger.put(stage, key, result)
        return result

    def _told(self, result: FinetuneResult) -> FinetuneResult:
        for note in result.notes:
            self._observer.say(note)
        return result


def _digest_of(source: str) -> str:
    return checkpoint_digest(local_directory(source))
