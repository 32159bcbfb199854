"""The trainings of a recipe: one model fine-tuned, or a teacher, its student cut out, and that distilled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pocketformer import files
from pocketformer.checkpoint import local_directory
from pocketformer.data import Columns, new_texts, read_texts
from pocketformer.pipeline.ledger import Ledger, Result, key_of
from pocketformer.pipeline.observer import Observer, Progress
from pocketformer.pipeline.rows import Rows
from pocketformer.recipe import Recipe, StudentRecipe
from pocketformer.shrink import ShrinkResult, shrink
from pocketformer.train import FinetuneResult, distill, finetune

__all__ = ["CHECKPOINT_DIRECTORY", "Trained", "trained"]

CHECKPOINT_DIRECTORY = "checkpoint"
TEACHER_DIRECTORY = "teacher"
_STUDENT, _ASSISTANT = "student", "assistant"
_WEIGHTS = "model.safetensors"


@dataclass(frozen=True, slots=True)
class Trained:
    """What was trained on the way to the checkpoint.

    Attributes:
        training: Of the checkpoint itself.
        teacher: Of the model it was distilled from, when that was trained here.
        assistant: Of the model between the two, if there is one.
        student: How the student was made, if it was.
    """

    training: FinetuneResult
    teacher: FinetuneResult | None = None
    assistant: FinetuneResult | None = None
    student: ShrinkResult | None = None


def trained(recipe: Recipe, rows: Rows, observer: Observer) -> Trained:
    """Leave a checkpoint in the recipe's output, made now or by an earlier run.

    Raises:
        PocketformerError: A sentence for the person; what was finished before it is kept.
    """
    workshop = _Workshop(recipe, rows, observer)
    if recipe.student is None:
        return Trained(workshop.finetuned(recipe.base, CHECKPOINT_DIRECTORY))
    teacher, teacher_result = recipe.teacher, None
    if teacher is None:
        teacher_result = workshop.finetuned(recipe.base, TEACHER_DIRECTORY)
        teacher = str(recipe.output / TEACHER_DIRECTORY)
    assistant_result = None
    if recipe.student.assistant_layers is not None:
        between = recipe.student.model_copy(update={"layers": recipe.student.assistant_layers, "base": None})
        start, _ = workshop.cut(between, teacher, f"{_ASSISTANT}-start")
        assistant_result = workshop.distilled(teacher, start, _ASSISTANT)
        teacher = str(recipe.output / _ASSISTANT)
    start, made = workshop.cut(recipe.student, teacher, f"{_STUDENT}-start")
    result = workshop.distilled(teacher, start, CHECKPOINT_DIRECTORY)
    return Trained(result, teacher_result, assistant_result, made)


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

    def finetuned(self, base: str, name: str) -> FinetuneResult:
        """Fine-tune a base into the directory `name` of the output."""
        settings, rows = self._recipe.finetune, self._rows

        def work(directory: Path, progress: Progress) -> FinetuneResult:
            return finetune(base, rows.train, rows.dev, directory, settings, progress)

        key = key_of(_weights_of(base), self._data, settings.model_dump())
        stage = "finetune" if name == CHECKPOINT_DIRECTORY else f"finetune {name}"
        return self._told(self._done(stage, key, name, FinetuneResult, work))

    def cut(self, student: StudentRecipe, teacher: str, name: str) -> tuple[str, ShrinkResult]:
        """Make the checkpoint a student starts from; return its directory."""
        rows = self._rows
        texts = (*rows.train.texts, *self.unlabelled())
        source = student.base or teacher

        def work(directory: Path, progress: Progress) -> ShrinkResult:
            return shrink(source, directory, student, texts, rows.train, rows.dev, progress)

        key = key_of(_weights_of(source), self._data, student.model_dump(mode="json"))
        return str(self._recipe.output / name), self._done(f"shrink {name}", key, name, ShrinkResult, work)

    def distilled(self, teacher: str, start: str, name: str) -> FinetuneResult:
        """Distil a teacher into the checkpoint at `start`, into the directory `name`."""
        settings, rows, pool = self._recipe.distill, self._rows, self.unlabelled()

        def work(directory: Path, progress: Progress) -> FinetuneResult:
            return distill(teacher, start, rows.train, rows.dev, directory, settings, pool, progress)

        key = key_of(_weights_of(teacher), _weights_of(start), self._data, pool, settings.model_dump())
        stage = "distill" if name == CHECKPOINT_DIRECTORY else f"distill {name}"
        return self._told(self._done(stage, key, name, FinetuneResult, work))

    def unlabelled(self) -> tuple[str, ...]:
        """Return the texts without labels; none that is held out, or that has a label."""
        data, rows = self._recipe.data, self._rows
        if data.unlabelled is None:
            return ()
        found = read_texts(data.unlabelled, Columns(data.text))
        return new_texts(found, rows.train.texts, rows.dev.texts, rows.test.texts)

    def _done(
        self, stage: str, key: str, name: str, kind: type[Result], work: Callable[[Path, Progress], Result]
    ) -> Result:
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


def _weights_of(source: str) -> str:
    return files.sha256(local_directory(source) / _WEIGHTS)
