"""Distillation: a small student learns from a teacher's soft labels, and from labels where there are any."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from torch import nn

from pocketformer.checkpoint import (
    TextClassifier,
    load_classifier,
    load_tokenizer,
    local_directory,
    quiet_transformers,
)
from pocketformer.errors import CheckpointError, RecipeError
from pocketformer.train.batches import EncodedTexts, PaddingCollator, encode
from pocketformer.train.constraining import (
    constraint_asked_for,
    constraint_notes,
    is_last_phase,
    plan_asked_for,
)
from pocketformer.train.course import Course, check_inputs, check_lengths, follow, learner
from pocketformer.train.defaults import EncoderSize, resolve
from pocketformer.train.objective import NO_LABEL, objective_of
from pocketformer.train.result import FinetuneResult
from pocketformer.train.settings import DistillSettings
from pocketformer.train.soft_labels import soft_labels
from pocketformer.train.trainer import OnEpoch, OnProgress
from pocketformer.train.transfer import Transfer, transfer_columns
from pocketformer.train.words import OUTSIDE
from pocketformer.train.work import fingerprint

if TYPE_CHECKING:
    from pocketformer.data import LabeledTexts

__all__ = ["SOFT_LABELS_DIRECTORY", "distill", "distill_course"]

#: Hidden folder beside the students of one place, where teachers' logits are kept.
SOFT_LABELS_DIRECTORY = ".soft-labels"
_TEACHER_SHARE = 0.1  # of the progress
_DEFAULT = DistillSettings()


def distill(
    teacher: str | Path,
    student: str | Path,
    train: LabeledTexts,
    dev: LabeledTexts,
    directory: str | Path,
    settings: DistillSettings = _DEFAULT,
    unlabelled: Sequence[str] = (),
    on_progress: OnProgress | None = None,
    on_epoch: OnEpoch | None = None,
) -> FinetuneResult:
    """Train a student on labels and on its teacher's soft labels, and write its best epoch to `directory`.

    The teacher's logits are computed once and kept in `.soft-labels` beside `directory`. Teacher and student
    each read a text by their own tokenizer. Epochs, early stopping and resuming are as in `finetune`;
    `directory` also gets `distill.json`, the result.

    Args:
        teacher: A classifier with the labels of `train`, in any order: directory or hub id.
        student: What is trained: a checkpoint that `shrink` wrote, or any other. A classifier with these
            labels keeps its head.
        train: Texts with labels.
        dev: Texts to choose the epoch by, with the same labels.
        directory: Where the checkpoint is written when training is done, replacing an older one.
        settings: How to train.
        unlabelled: Further texts, for which the teacher's soft labels alone count.
        on_progress: Called with the fraction done, 0 to 1, and a short message.
        on_epoch: Called with the dev scores of every epoch; what it raises ends the training.

    Raises:
        CheckpointError: A teacher or student that cannot be used, or a `directory` that holds something else.
        DataError: No texts, or other labels in `dev` than in `train`.
        RecipeError: Settings that these two or this machine cannot follow.
    """
    directory, teacher_directory = Path(directory), local_directory(teacher)
    check_inputs(local_directory(student), train, dev, directory)
    if teacher_directory.resolve() == directory.resolve():
        raise CheckpointError(
            f"{str(directory)!r} is the teacher itself and would be overwritten; give another directory."
        )
    with quiet_transformers():
        cache = directory.absolute().parent / SOFT_LABELS_DIRECTORY
        early = _portion(on_progress, 0.0, _TEACHER_SHARE)
        course = distill_course(teacher, student, train, dev, settings, unlabelled, cache, early)
        late = _portion(on_progress, _TEACHER_SHARE, 1.0)
        return follow(course, str(student), dev, directory, "distill.json", late, on_epoch, str(teacher))


def distill_course(
    teacher: str | Path,
    student: str | Path,
    train: LabeledTexts,
    dev: LabeledTexts,
    settings: DistillSettings,
    unlabelled: Sequence[str],
    cache: Path,
    on_progress: OnProgress | None = None,
) -> Course:
    """Return what `distill` trains, ready to start; the teacher's logits are computed or read on the way.

    Args:
        teacher: As in `distill`, like the next five.
        student: What is trained.
        train: Texts with labels.
        dev: Texts to choose the epoch by.
        settings: How to train.
        unlabelled: Texts without labels.
        cache: Directory of the teacher's logits.
        on_progress: Called while the teacher reads the texts.

    Raises:
        CheckpointError: A teacher or student that cannot be used.
        RecipeError: Settings that these two cannot follow.
    """
    tokenizer = load_tokenizer(student)
    plan = plan_asked_for(settings)
    model, head_is_new, notes = learner(student, train, settings)
    check_lengths(model, tokenizer, settings)
    resolved, defaults = resolve(
        settings,
        EncoderSize.of(model),
        texts=len(train) + len(unlabelled),
        head_is_new=head_is_new,
        is_last_phase=is_last_phase(settings, student, head_is_new),
    )
    master = load_classifier(teacher)
    order = _label_order(teacher, master, train)
    texts = (*train.texts, *unlabelled)
    lengths = settings.max_length, min(settings.max_length, master.encoder.config.max_position_embeddings)
    columns: dict[str, Any] = {}
    padding = {"input_ids": tokenizer.pad_token_id}
    module: nn.Module = model
    notes += [*defaults, *constraint_notes(settings, plan), _mix(resolved, len(unlabelled))]
    if settings.hidden_weight or settings.attention_weight:
        other = load_tokenizer(teacher)
        module = Transfer(model, master, settings.hidden_weight, settings.attention_weight, settings.seed)
        words, odd = transfer_columns(tokenizer, other, texts, lengths)
        notes += _odd_words(odd, len(texts))
        columns |= words
        padding |= {"words": OUTSIDE, "teacher_words": OUTSIDE, "teacher_input_ids": other.pad_token_id}
    if settings.soft_weight or unlabelled:
        logits = soft_labels(local_directory(teacher), texts, lengths[1], cache, on_progress)
        columns["soft_labels"] = logits[:, order]
    return Course(
        classifier=model,
        module=module,
        tokenizer=tokenizer,
        train=EncodedTexts(encode(tokenizer, texts, lengths[0]), _targets(train, len(unlabelled)), **columns),
        dev=EncodedTexts(encode(tokenizer, dev.texts, lengths[0]), dev.targets),
        collator=PaddingCollator(**padding),
        objective=objective_of(resolved, train),
        settings=resolved,
        notes=tuple(notes),
        inputs=fingerprint(
            [local_directory(student), local_directory(teacher)],
            [train, dev],
            resolved.model_dump_json(),
            str(plan),
            *unlabelled,
        ),
        plan=plan,
        constraint=constraint_asked_for(settings, plan),
    )


def _label_order(teacher: str | Path, master: TextClassifier, train: LabeledTexts) -> list[int]:
    """Return the positions of the labels of `train` among the teacher's."""
    if set(master.labels) != set(train.labels) or master.multi_label != train.multi_label:
        kind = {False: "one label per text", True: "several labels per text"}
        raise CheckpointError(
            f"The teacher {str(teacher)!r} knows {len(master.labels)} labels ({kind[master.multi_label]}), "
            f"the texts have {len(train.labels)} ({kind[train.multi_label]}), and they are not the same. "
            "Fine-tune the teacher on this table first."
        )
    return [master.labels.index(label) for label in train.labels]


def _targets(train: LabeledTexts, unlabelled: int) -> npt.NDArray[np.generic]:
    """Return the targets of the labelled texts, and after them those of the texts without a label."""
    without = np.full((unlabelled, *train.targets.shape[1:]), NO_LABEL, train.targets.dtype)
    return np.concatenate([train.targets, without])


def _odd_words(odd: int, total: int) -> list[str]:
    """Return what is worth saying of texts whose words the two tokenizers see differently."""
    if odd == total:
        raise RecipeError(
            "Teacher and student split every text into other words, so their inner states cannot be "
            "compared; set hidden_weight and attention_weight to 0."
        )
    text = f"{odd:,} texts take no part in the transfer: the two tokenizers split them into other words."
    return [text] if odd else []


def _mix(settings: DistillSettings, unlabelled: int) -> str:
    parts = [f"soft labels at temperature {settings.temperature:g} weigh {settings.soft_weight:g}"]
    parts += [f"hidden states {settings.hidden_weight:g}"] if settings.hidden_weight else []
    parts += [f"attention maps {settings.attention_weight:g}"] if settings.attention_weight else []
    more = f" {unlabelled:,} texts without a label are learned from soft labels alone." if unlabelled else ""
    return f"Distilled: {', '.join(parts)}.{more}"


def _portion(on_progress: OnProgress | None, start: float, end: float) -> OnProgress | None:
    """Return a progress callback for the part of the work from `start` to `end`."""
    if on_progress is None:
        return None
    return lambda fraction, message: on_progress(start + (end - start) * fraction, message)
