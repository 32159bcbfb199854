"""The classification head: which token states are pooled, and the layers from there to the logits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch
from torch import nn

from pocketformer.errors import CheckpointError

__all__ = ["ACTIVATIONS", "KINDS", "POOLINGS", "ClassificationHead", "HeadSettings", "mean_pool"]

KINDS = ("linear", "two-layer")
POOLINGS = ("mean", "cls", "pooler")
ACTIVATIONS: dict[str, type[nn.Module]] = {
    "leaky_relu": nn.LeakyReLU,  # slope 0.01
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "tanh": nn.Tanh,
}


@dataclass(frozen=True, slots=True)
class HeadSettings:
    """What stands between the encoder and the logits.

    Attributes:
        kind: 'linear', or 'two-layer' (Linear → activation → Linear).
        pooling: 'mean' of the token states, state of the 'cls' token, or the encoder's own 'pooler'.
        hidden_size: Width between the two layers; None is the encoder's hidden size.
        activation: Between the two layers: 'leaky_relu' (slope 0.01), 'relu', 'gelu' or 'tanh'.
        dropout: Share of units dropped during training, 0 to below 1.

    Raises:
        CheckpointError: A value outside these.
    """

    kind: str = "linear"
    pooling: str = "mean"
    hidden_size: int | None = None
    activation: str = "leaky_relu"
    dropout: float = 0.1

    def __post_init__(self) -> None:
        _require_one_of("kind", self.kind, KINDS)
        _require_one_of("pooling", self.pooling, POOLINGS)
        _require_one_of("activation", self.activation, tuple(ACTIVATIONS))
        if self.hidden_size is not None and not (isinstance(self.hidden_size, int) and self.hidden_size > 0):
            raise CheckpointError(f"The head's hidden_size is {self.hidden_size!r}; give a number above 0.")
        if not (isinstance(self.dropout, int | float) and 0 <= self.dropout < 1):
            raise CheckpointError(f"The head's dropout is {self.dropout!r}; give a number from 0 to below 1.")

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as they stand in config.json."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> HeadSettings:
        """Read what `to_dict` wrote.

        Raises:
            CheckpointError: An unknown name, or a value outside the allowed ones.
        """
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(values) - known):
            raise CheckpointError(
                f"config.json names the head settings {unknown}, which this version does not know; "
                f"it knows {sorted(known)}. Load the checkpoint with the version that wrote it."
            )
        return cls(**values)


class ClassificationHead(nn.Module):
    """Pooled state `[batch, hidden]` → logits `[batch, labels]`, unnormalised.

    Args:
        settings: Kind, width, activation and dropout.
        input_size: Width of the pooled state.
        label_count: Number of labels.
    """

    def __init__(self, settings: HeadSettings, input_size: int, label_count: int) -> None:
        super().__init__()
        self.dropout = nn.Dropout(settings.dropout)
        self.hidden: nn.Linear | None = None
        self.activation: nn.Module | None = None
        width = input_size
        if settings.kind == "two-layer":
            width = settings.hidden_size or input_size
            self.hidden = nn.Linear(input_size, width)
            self.activation = ACTIVATIONS[settings.activation]()
        self.output = nn.Linear(width, label_count)

    def forward(self, pooled: torch.Tensor) -> torch.Tensor:
        """Return logits `[batch, labels]` of the pooled states `[batch, hidden]`."""
        states = self.dropout(pooled)
        if self.hidden is not None and self.activation is not None:
            states = self.dropout(self.activation(self.hidden(states)))
        logits: torch.Tensor = self.output(states)
        return logits


def mean_pool(states: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
    """Average token states `[batch, length, hidden]` over the tokens with mask 1: `[batch, hidden]`.

    A row without any token gives zeros.
    """
    mask = attention_mask.to(states.dtype)
    # Dividing before summing keeps the sum inside float16's range, whatever the length.
    weights = mask / mask.sum(dim=1, keepdim=True).clamp(min=1.0)
    return (states * weights.unsqueeze(-1)).sum(dim=1)


def _require_one_of(name: str, value: Any, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise CheckpointError(f"The head's {name} is {value!r}; it can be one of {', '.join(allowed)}.")
