"""A course: a classifier, what it learns from and how; the part that fine-tuning and distilling share."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from pocketformer.checkpoint import (
    TextClassifier,
    require_replaceable,
    save_classifier,
    starting_classifier,
)
from pocketformer.checkpoint.weights import load_strictly, read_tensors
from pocketformer.errors import CheckpointError, DataError, RecipeError
from pocketformer.plan import PLAN_FILE, Plan
from pocketformer.processes import (
    first_goes_ahead,
    from_first,
    is_first,
    process_count,
    sentence_for_lost_process,
    wait_for_all,
)
from pocketformer.train.batches import EncodedTexts, PaddingCollator
from pocketformer.train.constraints.constraint import Constraint
from pocketformer.train.objective import Objective
from pocketformer.train.result import FinetuneResult, best_of, epoch_scores, stopped_early
from pocketformer.train.settings import FinetuneSettings
from pocketformer.train.trainer import OnEpoch, OnProgress, build_trainer
from pocketformer.train.work import (
    checkpoint_of_epoch,
    prepare,
    resume_point,
    sentence_for_full_disk,
    work_folder,
)

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from pocketformer.data import LabeledTexts

__all__ = ["Course", "check_inputs", "check_lengths", "follow", "learner"]


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """What is trained, on what, and how.

    Attributes:
        classifier: What is trained and saved.
        module: What the Trainer sees: the classifier, or a module around it that has it as a part.
        tokenizer: The classifier's own.
        train: Texts to learn from.
        dev: Texts to choose the epoch by.
        collator: Makes batches of both.
        objective: The loss.
        settings: How to train, with nothing left open.
        notes: What was chosen by default, in sentences.
        inputs: Fingerprint of everything the weights depend on.
        plan: What the weights end up on the grid of; it is saved with them.
        constraint: What the classifier's weights are kept to.
    """

    classifier: TextClassifier
    module: nn.Module
    tokenizer: PreTrainedTokenizerFast
    train: EncodedTexts
    dev: EncodedTexts
    collator: PaddingCollator
    objective: Objective
    settings: FinetuneSettings
    notes: tuple[str, ...]
    inputs: str
    plan: Plan | None = None
    constraint: Constraint | None = None


def follow(
    course: Course,
    base: str,
    dev: LabeledTexts,
    directory: Path,
    record: str,
    on_progress: OnProgress | None = None,
    on_epoch: OnEpoch | None = None,
    teacher: str | None = None,
) -> FinetuneResult:
    """Train, or go on training, and write the best epoch's checkpoint to `directory`.

    Args:
        course: What is trained; its classifier ends with the weights that are written.
        base: Name of what it starts from.
        dev: The texts behind `course.dev`.
        directory: Of the checkpoint.
        record: Name of the file in it that holds the result.
        on_progress: Called with the fraction done, 0 to 1, and a short message.
        on_epoch: Called with the dev scores of every epoch; what it raises ends the training.
        teacher: Name of what it is distilled from.

    Raises:
        PocketformerError: The disk is full.
        LostProcessError: Another process of this training has ended.
    """
    started = time.monotonic()
    folder = work_folder(directory)
    on_progress = on_progress if is_first() else None
    with sentence_for_lost_process(), sentence_for_full_disk(folder):
        with first_goes_ahead():
            prepare(folder, f"{course.inputs} {process_count()}")
        history, device, resumed = _train(course, folder, on_progress, on_epoch)
        wait_for_all()  # for the first one's last checkpoint
    head = course.classifier.settings  # a kept one may be of another kind than the settings' default
    epochs = epoch_scores(history)
    best = epochs[-1] if course.settings.keep == "last" else best_of(epochs)
    load_strictly(course.module, read_tensors(checkpoint_of_epoch(folder, history, best.epoch)), folder)
    if course.constraint is not None:
        course.constraint.bake(course.classifier)
    result = FinetuneResult(
        directory=str(directory),
        base=base,
        accuracy=best.accuracy,
        macro_f1=best.macro_f1,
        best_epoch=best.epoch,
        epochs=epochs,
        settings=course.settings.model_dump() | {"head": head.kind, "pooling": head.pooling},
        notes=(*course.notes, *_notes(dev, len(epochs), best.epoch, course.settings, resumed)),
        parameters=sum(parameter.numel() for parameter in course.classifier.parameters()),
        seconds=round(time.monotonic() - started, 1),
        device=device,
        teacher=teacher,
    )
    with sentence_for_lost_process():
        result = from_first(result)  # after which nobody needs the work folder
        if is_first():
            records = {record: result.to_json()}
            if course.plan is not None:
                records[PLAN_FILE] = course.plan.to_toml()
            save_classifier(course.classifier, course.tokenizer, directory, records)
            shutil.rmtree(folder)
        wait_for_all()
    if on_progress is not None:
        on_progress(1.0, f"kept epoch {best.epoch}: macro-F1 {best.macro_f1:.3f} on dev")
    return result


def learner(
    base: str | Path, train: LabeledTexts, settings: FinetuneSettings
) -> tuple[TextClassifier, bool, list[str]]:
    """Return the classifier that is trained, whether its head is new, and what is worth saying of that.

    Raises:
        CheckpointError: A base that cannot be used.
    """
    chosen = settings.model_fields_set & {"head", "pooling"}
    model, is_new = starting_classifier(
        base, train.labels, train.multi_label, settings.head_settings, settings.seed, any_head=not chosen
    )
    if is_new:
        return model, True, []
    kept = f"{model.settings.kind}, {model.settings.pooling} pooling"
    return model, False, [f"The head of the base ({kept}) was kept: it has these very labels."]


def check_inputs(source: Path, train: LabeledTexts, dev: LabeledTexts, directory: Path) -> None:
    """Refuse what cannot be trained on, before anything is loaded.

    Raises:
        DataError: No texts, or other labels in `dev` than in `train`.
        CheckpointError: A `directory` that is the base or holds something else.
    """
    for name, part in (("training", train), ("dev", dev)):
        if not part.texts:
            raise DataError(f"There are no {name} texts; give at least one per label.")
    if (train.labels, train.multi_label) != (dev.labels, dev.multi_label):
        raise DataError(
            f"The dev texts have other labels than the training texts ({len(dev.labels)} and "
            f"{len(train.labels)}, or in another order); split both from one table."
        )
    if source.resolve() == directory.resolve():
        raise CheckpointError(
            f"{str(directory)!r} is the base itself and would be overwritten; give another directory."
        )
    require_replaceable(directory)


def check_lengths(
    model: TextClassifier, tokenizer: PreTrainedTokenizerFast, settings: FinetuneSettings
) -> None:
    """Refuse texts that are longer than the encoder's positions, and ids outside its embeddings.

    Raises:
        RecipeError: A `max_length` that the encoder cannot take.
        CheckpointError: A tokenizer with more tokens than the encoder has.
    """
    config = model.encoder.config
    if settings.max_length > config.max_position_embeddings:
        raise RecipeError(
            f"max_length is {settings.max_length}, but this encoder takes at most "
            f"{config.max_position_embeddings} tokens; choose that or less."
        )
    if len(tokenizer) > config.vocab_size:
        raise CheckpointError(
            f"The tokenizer has {len(tokenizer)} tokens, but the encoder only {config.vocab_size} "
            "embeddings. Take both from the same pretrained model."
        )


def _train(
    course: Course, folder: Path, on_progress: OnProgress | None, on_epoch: OnEpoch | None
) -> tuple[list[dict[str, Any]], str, int]:
    """Train, or go on training; return the history, the device and the epochs that were done before."""
    settings = course.settings
    trainer = build_trainer(course, folder, on_progress, on_epoch)
    device, count = trainer.args.device, process_count()
    where = f"{count} x {device.type}" if count > 1 else str(device)
    with first_goes_ahead():
        found = resume_point(folder)
    if found is None:
        trainer.train()
        return trainer.state.log_history, where, 0
    checkpoint, history = found
    before = epoch_scores(history)
    if len(before) == settings.epochs or stopped_early(before, settings.patience):
        return history, where, len(before)
    trainer.train(resume_from_checkpoint=str(checkpoint))
    return trainer.state.log_history, where, len(before)


def _notes(
    dev: LabeledTexts, epoch_count: int, best_epoch: int, settings: FinetuneSettings, resumed: int
) -> Sequence[str]:
    why = "the one with the highest macro-F1 on the dev texts, which counts every label alike"
    if settings.keep == "last":
        why = "the last one, as asked"
    notes = [f"Kept epoch {best_epoch} of {epoch_count}, {why}."]
    if epoch_count < (settings.epochs or 0):
        notes.append(f"Stopped before {settings.epochs} epochs: none better for {settings.patience} epochs.")
    if dev.multi_label:
        notes.append(
            "A label counts as predicted from a probability of 0.5; accuracy is the share of texts with "
            "every label right."
        )
    present = (dev.targets > 0).any(axis=0).sum() if dev.multi_label else np.unique(dev.targets).size
    if absent := len(dev.labels) - int(present):
        notes.append(
            f"{absent} of {len(dev.labels)} labels have no dev text; the scores say nothing about them."
        )
    if (count := process_count()) > 1:
        notes.append(
            f"{count} processes with {settings.batch_size} texts each: {count * settings.batch_size} texts "
            "per step. The learning rates are not changed by that."
        )
    if resumed:
        notes.append(f"Went on from an interrupted run after epoch {resumed}; its time is not counted.")
    return notes
