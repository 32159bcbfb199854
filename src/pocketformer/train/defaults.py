"""The values filled in for the settings that are left open, and a sentence for each that says why."""

from __future__ import annotations

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
_EPOCHS = 8
_EPOCHS_OF_FEW_LAYERS = 12


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


def resolve(settings: Settings, size: EncoderSize, *, head_is_new: bool = True) -> tuple[Settings, list[str]]:
    """Fill in epochs and learning rates where they are None.

    Small encoders take more epochs (12 instead of 8) and a higher rate, as they have less to forget:
    2e-4 with few layers, 1e-4 up to a hidden size of 384, 5e-5 below 768, else 2e-5. A new head learns
    ten times as fast as the encoder, one that was trained before as fast.

    Args:
        settings: As given.
        size: Of the encoder.
        head_is_new: Whether the head starts from random weights.

    Returns:
        The settings without None, and sentences that say which values were used and why.
    """
    rate, reason = settings.learning_rate, "as given"
    if rate is None:
        rate, reason = _default_rate(size), f"chosen for {size}"
    head_rate, head_reason = settings.head_learning_rate, "as given"
    if head_rate is None and head_is_new:
        head_rate, head_reason = min(rate * _HEAD_FACTOR, 0.1), "ten times as much, as it starts from nothing"
    elif head_rate is None:
        head_rate, head_reason = rate, "the same, as it was trained before"
    epochs, epochs_reason = settings.epochs, "as given"
    if epochs is None:
        epochs = _EPOCHS_OF_FEW_LAYERS if size.is_small else _EPOCHS
        epochs_reason = f"chosen for {size}"
    patience = epochs if settings.keep == "last" else settings.patience
    resolved = settings.model_copy(
        update={
            "learning_rate": rate,
            "head_learning_rate": head_rate,
            "epochs": epochs,
            "patience": patience,
        }
    )
    return resolved, [
        f"Learning rate: encoder {rate:.1e} ({reason}), head {head_rate:.1e} ({head_reason}).",
        f"Epochs: at most {epochs} ({epochs_reason}).",
    ]


def _default_rate(size: EncoderSize) -> float:
    if size.is_small:
        return 2e-4
    if size.hidden <= _SMALL_HIDDEN_SIZE:
        return 1e-4
    return 5e-5 if size.hidden < _BASE_HIDDEN_SIZE else 2e-5
