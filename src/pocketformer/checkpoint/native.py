"""Hugging Face's own `…ForSequenceClassification` checkpoints, mapped exactly onto a TextClassifier."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from transformers import AutoModelForSequenceClassification

from pocketformer.checkpoint.architectures import Architecture
from pocketformer.checkpoint.classifier import TextClassifier
from pocketformer.checkpoint.config import read_labels
from pocketformer.checkpoint.encoders import load_with_report, raise_for_loading
from pocketformer.checkpoint.head import HeadSettings

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

__all__ = ["load_native"]


def load_native(directory: Path, config: PreTrainedConfig, architecture: Architecture) -> TextClassifier:
    """Load a native classifier; its logits are those of the Hugging Face class, bit for bit.

    Raises:
        CheckpointError: Weights that do not fit, or a head for regression.
    """
    labels, multi_label = read_labels(config)
    model, info = load_with_report(AutoModelForSequenceClassification, directory)
    raise_for_loading(directory, info, allow_unexpected=False)
    classifier = TextClassifier(
        model.base_model, _head_settings(config, architecture), labels, multi_label=multi_label
    )
    native = architecture.native_head
    classifier.head.output.load_state_dict(model.get_submodule(native.output).state_dict())
    if native.hidden is not None and classifier.head.hidden is not None:
        classifier.head.hidden.load_state_dict(model.get_submodule(native.hidden).state_dict())
    return classifier


def _head_settings(config: PreTrainedConfig, architecture: Architecture) -> HeadSettings:
    native = architecture.native_head
    rates = (getattr(config, field, None) for field in native.dropout_fields)
    return HeadSettings(
        kind="linear" if native.hidden is None else "two-layer",
        pooling=native.pooling,
        activation=native.activation,
        dropout=next((rate for rate in rates if rate is not None), 0.0),
    )
