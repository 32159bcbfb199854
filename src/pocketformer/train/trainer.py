"""Hugging Face's Trainer, set up for a text classifier."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from pocketformer.errors import RecipeError
from pocketformer.train.batches import EncodedTexts, PaddingCollator
from pocketformer.train.metrics import scores
from pocketformer.train.result import epoch_scores, stopped_early

if TYPE_CHECKING:
    from pocketformer.checkpoint import TextClassifier
    from pocketformer.train.settings import FinetuneSettings

__all__ = ["build_trainer", "parameter_groups"]

OnProgress = Callable[[float, str], None]


def build_trainer(
    model: TextClassifier,
    pad_id: int,
    train: EncodedTexts,
    dev: EncodedTexts,
    settings: FinetuneSettings,
    folder: Path,
    on_progress: OnProgress | None,
) -> Trainer:
    """Return a Trainer that evaluates and saves every epoch under `folder` and prints nothing.

    Args:
        model: The classifier to train, in place.
        pad_id: Token id of the padding.
        train: Texts to learn from.
        dev: Texts to measure on after every epoch.
        settings: With both learning rates filled in.
        folder: For Trainer's checkpoints: the newest and the best one are kept.
        on_progress: Called with the fraction done, 0 to 1, and a short message.

    Raises:
        RecipeError: A precision this machine does not have.
    """
    arguments = _arguments(settings, folder)
    model.to(arguments.device)
    optimizer = torch.optim.AdamW(parameter_groups(model, settings), fused=arguments.device.type != "mps")

    def compute_metrics(prediction: Any) -> dict[str, float]:
        found = scores(prediction.predictions, prediction.label_ids, model.multi_label)
        return {"accuracy": found.accuracy, "macro_f1": found.macro_f1}

    trainer = Trainer(
        model=model,
        args=arguments,
        data_collator=PaddingCollator(pad_id),
        train_dataset=train,
        eval_dataset=dev,
        compute_metrics=compute_metrics,
        callbacks=[_Watcher(settings, on_progress)],
        optimizers=(optimizer, None),
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def parameter_groups(model: TextClassifier, settings: FinetuneSettings) -> list[dict[str, Any]]:
    """Return AdamW's groups: encoder and head with their own rates, matrices alone with weight decay.

    Biases and norms have one dimension (MobileBERT's NoNorm too), everything else has more.
    """
    return [
        {
            "params": [
                parameter
                for parameter in part.parameters()
                if parameter.requires_grad and (parameter.ndim > 1) == decays
            ],
            "lr": rate,
            "weight_decay": settings.weight_decay if decays else 0.0,
        }
        for part, rate in (
            (model.encoder, settings.learning_rate),
            (model.head, settings.head_learning_rate),
        )
        for decays in (True, False)
    ]


def _arguments(settings: FinetuneSettings, folder: Path) -> TrainingArguments:
    precision = _precision(settings.precision)
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.batch_size,
        per_device_eval_batch_size=settings.eval_batch_size,
        train_sampling_strategy="group_by_length",
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        lr_scheduler_type=settings.schedule,
        warmup_steps=settings.warmup_ratio,
        bf16=precision == "bf16",
        fp16=precision == "fp16",
        seed=settings.seed,
        eval_strategy="epoch",
        save_strategy="epoch",
        logging_strategy="epoch",
        metric_for_best_model="macro_f1",
        greater_is_better=True,
        save_total_limit=1,
        label_names=["labels"],
        remove_unused_columns=False,
        dataloader_pin_memory=torch.cuda.is_available(),
        disable_tqdm=True,
        report_to="none",
    )


def _precision(asked: str) -> str:
    if not torch.cuda.is_available():
        if asked == "fp16":
            raise RecipeError(
                "The precision 'fp16' needs a GPU and this machine has none; choose 'auto', 'fp32' or 'bf16'."
            )
        return "fp32" if asked == "auto" else asked
    if asked == "auto":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    return asked


class _Watcher(TrainerCallback):  # type: ignore[misc]  # transformers has no types
    """Reports progress, and stops when the dev score has not risen for long enough."""

    def __init__(self, settings: FinetuneSettings, on_progress: OnProgress | None) -> None:
        self._settings = settings
        self._on_progress = on_progress

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._report(state, f"epoch {math.ceil(state.epoch)} of {self._settings.epochs}")

    def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        finished = epoch_scores(state.log_history)
        last = finished[-1]
        self._report(
            state,
            f"epoch {last.epoch} of {self._settings.epochs}: dev accuracy {last.accuracy:.1%}, "
            f"macro-F1 {last.macro_f1:.3f}",
        )
        if stopped_early(finished, self._settings.patience):
            control.should_training_stop = True

    def _report(self, state: Any, message: str) -> None:
        if self._on_progress is not None:
            self._on_progress(state.global_step / state.max_steps, message)
