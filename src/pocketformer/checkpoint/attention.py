"""Attention of fewer heads than an encoder's hidden size has room for: in config.json, and in its modules.

The config of BERT and its kin has no field for the size of a head: it is the hidden size divided by
`num_attention_heads`. So that field stays what it was, and our own entry says what there really is:

    "pocketformer": {"attention": {"heads": 6, "head_size": 32}, …}

The query, key and value matrices are then `[heads * head_size, hidden]`, the output matrix
`[hidden, heads * head_size]`, in every layer. `load_encoder` and `load_classifier` build this; plain
transformers refuses such a checkpoint, as the shapes are not those it expects. Fewer feed-forward neurons
are an ordinary `intermediate_size` instead, and load anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from pocketformer.checkpoint.architectures import Architecture, LayerParts
from pocketformer.checkpoint.config import ATTENTION_KEY, OUR_KEY
from pocketformer.errors import CheckpointError

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

__all__ = [
    "AttentionSize",
    "attention_size",
    "build_heads",
    "cut_linear",
    "has_fewer_heads",
    "keep_heads",
    "linear_at",
]

_HEADS_ATTRIBUTES = ("num_attention_heads", "n_heads")  # of the modules of BERT and of DistilBERT


@dataclass(frozen=True, slots=True)
class AttentionSize:
    """Heads of each layer, and numbers of a head per token."""

    heads: int
    head_size: int


def has_fewer_heads(config: PreTrainedConfig) -> bool:
    """Whether heads were cut, so that plain transformers does not build this encoder."""
    return _entry(config) is not None


def attention_size(config: PreTrainedConfig) -> AttentionSize:
    """Return the heads of an encoder as they are, cut or whole.

    Raises:
        CheckpointError: An entry of ours that cannot be true.
    """
    whole = AttentionSize(config.num_attention_heads, config.hidden_size // config.num_attention_heads)
    entry = _entry(config)
    if entry is None:
        return whole
    heads = entry.get("heads") if isinstance(entry, dict) else None
    if (
        not isinstance(heads, int)
        or not 1 <= heads <= whole.heads
        or entry != {**asdict(whole), "heads": heads}
    ):
        raise CheckpointError(
            f'config.json\'s "{OUR_KEY}" entry says of the attention {entry!r}; it must be of 1 to '
            f'{whole.heads} "heads" with a "head_size" of {whole.head_size}. Write the checkpoint again.'
        )
    return AttentionSize(heads, whole.head_size)


def build_heads(encoder: PreTrainedModel, architecture: Architecture) -> None:
    """Give a freshly built encoder the heads that its config's entry says, if there is one.

    Raises:
        CheckpointError: An entry that cannot be true, or that this architecture cannot have.
    """
    if not has_fewer_heads(encoder.config):
        return
    if architecture.parts is None:
        raise CheckpointError(
            f'config.json\'s "{OUR_KEY}" entry speaks of attention heads that were cut, which a '
            f"{architecture.model_type} cannot have. Write the checkpoint again."
        )
    size = attention_size(encoder.config)
    for layer in encoder.get_submodule(architecture.layers).children():
        _keep(layer, architecture.parts, size.head_size, range(size.heads))


def keep_heads(encoder: PreTrainedModel, architecture: Architecture, keep: Sequence[Sequence[int]]) -> None:
    """Leave an encoder with some of its heads, in place; its config says so.

    Args:
        encoder: Its layers' Linears get smaller.
        architecture: The encoder's; one whose layers' parts are known.
        keep: By layer the heads that stay, counted from 0, ascending; as many in each layer.
    """
    assert architecture.parts is not None
    size = attention_size(encoder.config)
    layers = encoder.get_submodule(architecture.layers).children()
    for layer, heads in zip(layers, keep, strict=True):
        _keep(layer, architecture.parts, size.head_size, heads)
    ours = getattr(encoder.config, OUR_KEY, None) or {}
    entry = asdict(AttentionSize(len(keep[0]), size.head_size))
    setattr(encoder.config, OUR_KEY, {**ours, ATTENTION_KEY: entry})


def cut_linear(
    linear: nn.Linear, *, rows: Sequence[int] | None = None, columns: Sequence[int] | None = None
) -> None:
    """Keep some outputs (`rows`) or inputs (`columns`) of a Linear `[rows, columns]`, in place."""
    weight, bias = linear.weight.detach(), linear.bias
    if rows is not None:
        weight = weight[torch.tensor(rows)]
        if bias is not None:
            linear.bias = nn.Parameter(bias.detach()[torch.tensor(rows)], bias.requires_grad)
    if columns is not None:
        weight = weight[:, torch.tensor(columns)]
    linear.weight = nn.Parameter(weight.contiguous(), linear.weight.requires_grad)
    linear.out_features, linear.in_features = weight.shape


def _keep(layer: nn.Module, parts: LayerParts, head_size: int, heads: Iterable[int]) -> None:
    kept = list(heads)
    places = [head * head_size + place for head in kept for place in range(head_size)]
    for path in (parts.query, parts.key, parts.value):
        cut_linear(linear_at(layer, path), rows=places)
    cut_linear(linear_at(layer, parts.mixing), columns=places)
    attention = layer.get_submodule(parts.query.rpartition(".")[0])
    for name, value in {**dict.fromkeys(_HEADS_ATTRIBUTES, len(kept)), "all_head_size": len(places)}.items():
        if hasattr(attention, name):
            setattr(attention, name, value)


def linear_at(layer: nn.Module, path: str) -> nn.Linear:
    """Return the Linear at a path in a layer."""
    found = layer.get_submodule(path)
    assert isinstance(found, nn.Linear)
    return found


def _entry(config: PreTrainedConfig) -> Any:
    ours = getattr(config, OUR_KEY, None)
    return ours.get(ATTENTION_KEY) if isinstance(ours, dict) else None
