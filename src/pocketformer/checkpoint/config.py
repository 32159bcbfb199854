"""Reading and writing config.json: the architecture, the labels, and our head under "pocketformer"."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from huggingface_hub.errors import StrictDataclassError
from transformers import AutoConfig

from pocketformer.checkpoint.architectures import Architecture, require_supported
from pocketformer.checkpoint.head import HeadSettings
from pocketformer.checkpoint.quiet import quiet_transformers
from pocketformer.errors import CheckpointError

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

__all__ = [
    "ATTENTION_KEY",
    "OUR_KEY",
    "classifier_config",
    "is_native",
    "is_ours",
    "read_config",
    "read_head",
    "read_labels",
]

#: Key of config.json that marks a classifier of ours and holds its head's settings.
OUR_KEY = "pocketformer"
#: Key inside it, in a bare encoder the only one, of what `attention.py` says where heads were cut.
ATTENTION_KEY = "attention"
_NATIVE_SUFFIX = "ForSequenceClassification"
_PROBLEMS = {False: "single_label_classification", True: "multi_label_classification"}


def read_config(directory: Path) -> tuple[PreTrainedConfig, Architecture]:
    """Read config.json.

    Raises:
        CheckpointError: It is missing, broken or contradicts itself.
        UnsupportedArchitectureError: Its `model_type` is not on our list.
    """
    architecture = require_supported(_model_type(directory), directory)
    try:
        with quiet_transformers():
            config = AutoConfig.from_pretrained(directory, local_files_only=True)
    except (ValueError, TypeError, StrictDataclassError) as error:
        raise CheckpointError(
            f"{str(directory / 'config.json')!r} is not a usable {architecture.model_type} configuration: "
            f"{' '.join(str(error).split())}"
        ) from error
    return config, architecture


def is_ours(config: PreTrainedConfig) -> bool:
    """Whether the checkpoint is a classifier saved by pocketformer."""
    ours = getattr(config, OUR_KEY, None)
    return isinstance(ours, dict) and ours.keys() != {ATTENTION_KEY}


def is_native(config: PreTrainedConfig) -> bool:
    """Whether the checkpoint is one of a Hugging Face `…ForSequenceClassification` class."""
    return any(name.endswith(_NATIVE_SUFFIX) for name in config.architectures or ())


def read_head(config: PreTrainedConfig) -> HeadSettings:
    """Return the head settings of a checkpoint of ours.

    Raises:
        CheckpointError: There are none, or they are not known to this version.
    """
    head = getattr(config, OUR_KEY).get("head")
    if not isinstance(head, Mapping):
        raise CheckpointError(
            f'config.json has a "{OUR_KEY}" entry without "head" settings; save the checkpoint again.'
        )
    return HeadSettings.from_dict(head)


def read_labels(config: PreTrainedConfig) -> tuple[tuple[str, ...], bool]:
    """Return the label names in the order of the logits, and whether several can hold at once.

    Raises:
        CheckpointError: Numbers are missing, or the head is for regression.
    """
    names: dict[int, str] = config.id2label
    if sorted(names) != list(range(len(names))) or len(set(names.values())) != len(names):
        raise CheckpointError(
            f"config.json's id2label must name every label once, numbered from 0; it is {dict(names)}."
        )
    problem = config.problem_type or _PROBLEMS[False]
    if problem not in _PROBLEMS.values() or (len(names) < 2 and problem == _PROBLEMS[False]):
        raise CheckpointError(
            f"The checkpoint is for {config.problem_type or 'regression'!r} with {len(names)} output(s), not "
            "for classification; pocketformer takes heads that choose among two or more labels."
        )
    return tuple(names[number] for number in range(len(names))), problem == _PROBLEMS[True]


def classifier_config(
    encoder_config: PreTrainedConfig,
    encoder_class: str,
    labels: tuple[str, ...],
    multi_label: bool,
    head: HeadSettings,
) -> PreTrainedConfig:
    """Return a copy of the encoder's config that also describes the classifier around it."""
    config = copy.deepcopy(encoder_config)
    config.architectures = [encoder_class]
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: number for number, label in enumerate(labels)}
    config.problem_type = _PROBLEMS[multi_label]
    setattr(config, OUR_KEY, {**(getattr(config, OUR_KEY, None) or {}), "head": head.to_dict()})
    return config


def _model_type(directory: Path) -> str:
    path = directory / "config.json"
    if not path.is_file():
        raise CheckpointError(
            f"{str(directory)!r} holds no config.json, so it is no Hugging Face checkpoint. "
            "Give the directory that `save_pretrained` or `pocketformer finetune` wrote."
        )
    try:
        content: Any = json.loads(path.read_text("utf-8"))
    except (ValueError, OSError) as error:
        raise CheckpointError(
            f"{str(path)!r} is not readable JSON: {error}. Fetch the file again."
        ) from error
    model_type = content.get("model_type") if isinstance(content, dict) else None
    if not isinstance(model_type, str):
        raise CheckpointError(
            f"{str(path)!r} names no model_type, so the architecture is unknown. "
            'Add it, for example "model_type": "bert".'
        )
    return model_type
