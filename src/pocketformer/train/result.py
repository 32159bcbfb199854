"""What a training reports, and how it reads Trainer's history."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["EpochScore", "FinetuneResult", "best_of", "epoch_scores", "stopped_early"]


@dataclass(frozen=True, slots=True)
class EpochScore:
    """One epoch: mean training loss, and loss, accuracy and macro-F1 on the dev texts after it."""

    epoch: int
    train_loss: float
    dev_loss: float
    accuracy: float
    macro_f1: float


@dataclass(frozen=True, slots=True)
class FinetuneResult:
    """What was trained, and how well it does on the dev texts.

    Attributes:
        directory: Where the checkpoint is.
        base: What it was trained from.
        accuracy: On dev, of the best epoch (multi-label: share of texts with every label right).
        macro_f1: On dev, of the best epoch; multi-label at a probability of 0.5.
        best_epoch: The epoch that was kept, counted from 1: the highest macro-F1 on dev.
        epochs: Every epoch's scores.
        settings: All settings as used, learning rates filled in.
        notes: What was chosen by default, and what else is worth knowing, in sentences.
        parameters: Number of weights of the whole classifier.
        seconds: Wall time of this call.
        device: Where it was trained.
        teacher: What it was distilled from, if it was.
    """

    directory: str
    base: str
    accuracy: float
    macro_f1: float
    best_epoch: int
    epochs: tuple[EpochScore, ...]
    settings: dict[str, Any]
    notes: tuple[str, ...]
    parameters: int
    seconds: float
    device: str
    teacher: str | None = None

    def to_json(self) -> str:
        """Return the result as indented JSON."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"


def epoch_scores(history: Sequence[dict[str, Any]]) -> tuple[EpochScore, ...]:
    """Read the finished epochs out of a Trainer's `log_history`."""
    losses = {round(entry["epoch"]): entry["loss"] for entry in history if "loss" in entry}
    return tuple(
        EpochScore(
            epoch=round(entry["epoch"]),
            train_loss=float(losses[round(entry["epoch"])]),
            dev_loss=float(entry["eval_loss"]),
            accuracy=float(entry["eval_accuracy"]),
            macro_f1=float(entry["eval_macro_f1"]),
        )
        for entry in history
        if "eval_macro_f1" in entry
    )


def best_of(epochs: Sequence[EpochScore]) -> EpochScore:
    """Return the epoch with the highest macro-F1, the earliest among equals."""
    return max(epochs, key=lambda score: (score.macro_f1, -score.epoch))


def stopped_early(epochs: Sequence[EpochScore], patience: int | None) -> bool:
    """Whether the last `patience` epochs brought nothing better; None never stops."""
    if patience is None or not epochs:
        return False
    return epochs[-1].epoch - best_of(epochs).epoch >= patience
