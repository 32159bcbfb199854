"""The values filled in for the settings that are left open, and a sentence for each that says why."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from pocketformer.train.settings import FinetuneSettings

if TYPE_CHECKING:
    from pocketformer.checkpoint import TextClassifier

__all__ = ["EncoderSize", "resolve"]

Settings = TypeVar("Settings", bound=FinetuneSettings)

_HEAD_FACTOR = 10.0
_SMALL_HIDDEN_SIZE = 384
_BASE_HIDDEN_SIZE = 768
_FEW_LAYERS = 4
_STEPS = 1500
_STEPS_OF_FEW_LAYERS = 2250
_FEWEST_EPOCHS, _MOST_EPOCHS = 4, 12
_EPOCHS = 8  # where the number of texts is not known
# A classifier that was trained before and only gets used to a plan's grid:
_LAST_PHASE_FACTOR, _LAST_PHASE_EPOCHS = 0.25, 2


@dataclass(frozen=True, slots=True)
class EncoderSize:
    """What the defaults depend on: the width of the hidden states, and the number of layers."""

    hidden: int
    layers: int

    @classmethod
    def of(cls, model: TextClassifier) -> EncoderSize:
        """Read the size of a classifier's encoder."""
        config = model.encoder.config
        return cls(config.hidden_size, config.num_hidden_layers)

    @property
    def is_small(self) -> bool:
        """Whether it is a student: at most 4 layers of at most 384."""
        return self.layers <= _FEW_LAYERS and self.hidden <= _SMALL_HIDDEN_SIZE

    def __str__(self) -> str:
        return f"{self.layers} layers of {self.hidden}"


def resolve(
    settings: Settings,
    size: EncoderSize,
    *,
    texts: int | None = None,
    head_is_new: bool = True,
    is_last_phase: bool = False,
) -> tuple[Settings, list[str]]:
    """Fill in epochs, patience and learning rates where they are None.

    Epochs make about 1,500 steps, 2,250 for small encoders, but no fewer than 4 and no more than 12: a
    short table needs more passes. Patience is half of them, so that a training does not end while its rate
    is still high. The rate is 2e-4 for small encoders, which have less to forget, 1e-4 up to a hidden size
    of 384, 5e-5 below 768, else 2e-5. A new head learns ten times as fast as the encoder, one that was
    trained before as fast. A last phase takes two epochs at a quarter of the rate. Where zeros or clusters
    come by and by, the last epoch is kept.

    Args:
        settings: As given.
        size: Of the encoder.
        texts: To train on; None takes 8 epochs.
        head_is_new: Whether the head starts from random weights.
        is_last_phase: Whether a classifier that was trained before only gets used to a plan.

    Returns:
        The settings without None, and sentences that say which values were used and why.
    """
    rate, reason = settings.learning_rate, "as given"
    if rate is None:
        rate, reason = _default_rate(size), f"chosen for {size}"
        if is_last_phase:
            rate, reason = rate * _LAST_PHASE_FACTOR, f"{reason} and a last phase"
    head_rate, head_reason = settings.head_learning_rate, "as given"
    if head_rate is None and head_is_new:
        head_rate, head_reason = min(rate * _HEAD_FACTOR, 0.1), "ten times as much, as it starts from nothing"
    elif head_rate is None:
        head_rate, head_reason = rate, "the same, as it was trained before"
    epochs, epochs_reason = settings.epochs, "as given"
    if epochs is None and is_last_phase:
        epochs, epochs_reason = _LAST_PHASE_EPOCHS, "chosen for a last phase: it was trained before"
    elif epochs is None:
        epochs = _default_epochs(size, texts, settings.batch_size)
        epochs_reason = f"chosen for {size}" + ("" if texts is None else f" and {texts:,} texts")
    keep = "last" if settings.is_gradual else settings.keep
    patience = epochs if keep == "last" else settings.patience or math.ceil(epochs / 2)
    resolved = settings.model_copy(
        update={
            "learning_rate": rate,
            "head_learning_rate": head_rate,
            "epochs": epochs,
            "patience": patience,
            "keep": keep,
        }
    )
    return resolved, [
        f"Learning rate: encoder {rate:.1e} ({reason}), head {head_rate:.1e} ({head_reason}).",
        f"Epochs: at most {epochs} ({epochs_reason}).",
    ]


def _default_epochs(size: EncoderSize, texts: int | None, batch_size: int) -> int:
    if texts is None:
        return _EPOCHS
    steps = _STEPS_OF_FEW_LAYERS if size.is_small else _STEPS
    return min(max(round(steps / math.ceil(texts / batch_size)), _FEWEST_EPOCHS), _MOST_EPOCHS)


def _default_rate(size: EncoderSize) -> float:
    if size.is_small:
        return 2e-4
    if size.hidden <= _SMALL_HIDDEN_SIZE:
        return 1e-4
    return 5e-5 if size.hidden < _BASE_HIDDEN_SIZE else 2e-5
