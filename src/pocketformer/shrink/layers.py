"""Keeping some of an encoder's layers: evenly spaced ones, the first, the last, or any."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import nn

from pocketformer.errors import RecipeError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["chosen_layers", "keep_layers", "layer_list", "set_layers"]


def chosen_layers(count: int, total: int, choose: str) -> tuple[int, ...]:
    """Return which `count` of `total` layers to keep, counted from 0.

    `first` and `last` are what they say. `spaced` cuts the encoder into `count` parts and keeps the last
    layer of each, so the last one of all is always among them: 3 of 6 are 1, 3, 5.

    Raises:
        RecipeError: More layers than there are.
    """
    if not 1 <= count <= total:
        raise RecipeError(
            f"{count} layers were asked for, but the encoder has {total}; ask for 1 to {total}."
        )
    if choose == "first":
        return tuple(range(count))
    if choose == "last":
        return tuple(range(total - count, total))
    return tuple(round((part + 1) * total / count) - 1 for part in range(count))


def keep_layers(encoder: PreTrainedModel, layers: Sequence[int], path: str) -> None:
    """Leave an encoder with the layers named, in that order, in place.

    Args:
        encoder: Its configuration gets the new number of layers.
        layers: Counted from 0.
        path: Of the encoder's list of layers.

    Raises:
        RecipeError: A layer that there is not.
    """
    found = layer_list(encoder, path)
    if not layers or not all(0 <= layer < len(found) for layer in layers) or len(set(layers)) < len(layers):
        raise RecipeError(
            f"The layers {list(layers)} were asked for; give different numbers from 0 to {len(found) - 1}."
        )
    set_layers(encoder, [found[layer] for layer in layers], path)


def layer_list(encoder: nn.Module, path: str) -> nn.ModuleList:
    """Return an encoder's list of layers."""
    found = encoder.get_submodule(path)
    assert isinstance(found, nn.ModuleList)
    return found


def set_layers(encoder: PreTrainedModel, layers: Sequence[nn.Module], path: str) -> None:
    """Give an encoder other layers, and its configuration their number."""
    parent, _, name = path.rpartition(".")
    setattr(encoder.get_submodule(parent), name, nn.ModuleList(layers))
    encoder.config.num_hidden_layers = len(layers)
