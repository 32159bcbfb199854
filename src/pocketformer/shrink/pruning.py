"""Structured pruning: of each layer the feed-forward neurons and attention heads that matter most stay.

Rows and columns of the weights go, so the checkpoint is smaller and faster, and what it computes is what
the whole model computes with the other units at zero. Each layer keeps as many: neurons are then an ordinary
`intermediate_size`, which any transformers loads; fewer heads are said in our own entry of config.json
(`checkpoint/attention.py`), which plain transformers does not know and refuses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from pocketformer.checkpoint import (
    ARCHITECTURES,
    Architecture,
    attention_size,
    cut_linear,
    keep_heads,
    linear_at,
)
from pocketformer.errors import RecipeError
from pocketformer.shrink.importance import Importance

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from pocketformer.shrink.settings import ShrinkSettings

__all__ = ["Pruning", "keep_neurons", "prune", "require_prunable"]

_PRUNABLE = ", ".join(sorted(name for name, one in ARCHITECTURES.items() if one.parts is not None))


@dataclass(frozen=True, slots=True)
class Pruning:
    """Which neurons and heads were kept.

    Attributes:
        neurons: Feed-forward neurons of each layer.
        neurons_before: How many there were.
        neurons_share: Of the layers' summed importance, what the kept neurons have, 0 to 1.
        heads: Attention heads of each layer.
        heads_before: How many there were.
        heads_share: As `neurons_share`.
        head_size: Numbers of a head per token; unchanged.
        kept_heads: By layer the heads that stayed, counted from 0.
        texts: How many were asked.
    """

    neurons: int
    neurons_before: int
    neurons_share: float
    heads: int
    heads_before: int
    heads_share: float
    head_size: int
    kept_heads: tuple[tuple[int, ...], ...]
    texts: int

    def sentences(self) -> list[str]:
        """Return them as sentences, one for each kind of unit of which some went."""
        found = []
        if self.neurons < self.neurons_before:
            found.append(
                f"Feed-forward neurons: {self.neurons:,} of {self.neurons_before:,} in each layer, with "
                f"{self.neurons_share:.1%} of their importance."
            )
        if self.heads < self.heads_before:
            found.append(
                f"Attention heads: {self.heads} of {self.heads_before} in each layer, of {self.head_size} "
                f"numbers each, with {self.heads_share:.1%} of their importance; pocketformer loads such a "
                "checkpoint, plain transformers does not."
            )
        found.append(f"Importance was measured on {self.texts:,} texts: how far answers move without a part.")
        return found


def require_prunable(encoder: PreTrainedModel, architecture: Architecture, settings: ShrinkSettings) -> None:
    """Make sure that an encoder has as many neurons and heads as are to be kept.

    Raises:
        RecipeError: It has fewer, or its layers are built otherwise.
    """
    if architecture.parts is None:
        raise RecipeError(
            f"Neurons and heads can be cut of {_PRUNABLE}; the layers of {architecture.model_type} "
            "are built otherwise. Leave neurons and heads out; cut layers instead."
        )
    units = {
        "neurons": (settings.neurons, getattr(encoder.config, architecture.parts.neurons_field)),
        "heads": (settings.heads, attention_size(encoder.config).heads),
    }
    for name, (wanted, there) in units.items():
        if wanted is not None and wanted > there:
            raise RecipeError(
                f"{wanted:,} {name} were asked for, but each layer has {there:,}; ask for 1 to {there:,}."
            )


def prune(
    encoder: PreTrainedModel, architecture: Architecture, importance: Importance, settings: ShrinkSettings
) -> Pruning:
    """Keep the neurons and heads that matter most, as many in each layer as settings say, in place.

    Args:
        encoder: For which `require_prunable` holds.
        architecture: The encoder's.
        importance: Of the layers that the encoder has now, in their order.
        settings: How many to keep; all where left out.
    """
    neurons_before, heads_before = importance.neurons.shape[1], importance.heads.shape[1]
    neurons = _most_important(importance.neurons, settings.neurons or neurons_before)
    heads = _most_important(importance.heads, settings.heads or heads_before)
    size = attention_size(encoder.config)
    if len(neurons[0]) < neurons_before:
        keep_neurons(encoder, architecture, neurons)
    if len(heads[0]) < heads_before:
        keep_heads(encoder, architecture, heads)
    return Pruning(
        neurons=len(neurons[0]),
        neurons_before=neurons_before,
        neurons_share=_share(importance.neurons, neurons),
        heads=len(heads[0]),
        heads_before=heads_before,
        heads_share=_share(importance.heads, heads),
        head_size=size.head_size,
        kept_heads=tuple(map(tuple, heads)),
        texts=importance.texts,
    )


def keep_neurons(encoder: PreTrainedModel, architecture: Architecture, keep: Sequence[Sequence[int]]) -> None:
    """Leave an encoder with some of its feed-forward neurons, in place; its config gets their number.

    Args:
        encoder: Its layers' Linears get smaller.
        architecture: The encoder's; one whose layers' parts are known.
        keep: By layer the neurons that stay, counted from 0, ascending; as many in each layer.
    """
    parts = architecture.parts
    assert parts is not None
    layers = encoder.get_submodule(architecture.layers).children()
    for layer, neurons in zip(layers, keep, strict=True):
        cut_linear(linear_at(layer, parts.widening), rows=neurons)
        cut_linear(linear_at(layer, parts.narrowing), columns=neurons)
    setattr(encoder.config, parts.neurons_field, len(keep[0]))


def _most_important(importance: torch.Tensor, count: int) -> list[list[int]]:
    """Return by layer the `count` units that matter most, ascending; among equals, the first."""
    order = importance.sort(dim=1, descending=True, stable=True).indices[:, :count]
    kept: list[list[int]] = order.sort(dim=1).values.tolist()
    return kept


def _share(importance: torch.Tensor, kept: Sequence[Sequence[int]]) -> float:
    total = float(importance.sum())
    return float(importance.gather(1, torch.tensor(kept)).sum()) / total if total else 1.0
