"""Checkpoints: ordinary Hugging Face directories with an encoder, a tokenizer and a classification head."""

from __future__ import annotations

try:
    import torch  # noqa: F401
    import transformers  # noqa: F401
except ModuleNotFoundError as error:
    from pocketformer.errors import MissingExtraError

    raise MissingExtraError("train", error.name or "transformers") from error

from pocketformer.checkpoint.architectures import ARCHITECTURES, Architecture, LayerParts, require_supported
from pocketformer.checkpoint.attention import AttentionSize, attention_size, cut_linear, keep_heads, linear_at
from pocketformer.checkpoint.classifier import ClassifierOutput, TextClassifier
from pocketformer.checkpoint.encoders import load_encoder
from pocketformer.checkpoint.head import ClassificationHead, HeadSettings
from pocketformer.checkpoint.io import (
    is_classifier,
    load_classifier,
    new_classifier,
    require_replaceable,
    save_classifier,
    save_encoder,
    starting_classifier,
)
from pocketformer.checkpoint.quiet import quiet_transformers
from pocketformer.checkpoint.sources import PYPI_MINILM, local_directory, resolve_source
from pocketformer.checkpoint.tokenizers import load_tokenizer

__all__ = [
    "ARCHITECTURES",
    "PYPI_MINILM",
    "Architecture",
    "AttentionSize",
    "ClassificationHead",
    "ClassifierOutput",
    "HeadSettings",
    "LayerParts",
    "TextClassifier",
    "attention_size",
    "cut_linear",
    "is_classifier",
    "keep_heads",
    "linear_at",
    "load_classifier",
    "load_encoder",
    "load_tokenizer",
    "local_directory",
    "new_classifier",
    "quiet_transformers",
    "require_replaceable",
    "require_supported",
    "resolve_source",
    "save_classifier",
    "save_encoder",
    "starting_classifier",
]
