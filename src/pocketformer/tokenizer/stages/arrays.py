"""The few array operations that every stage is written in."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["Gather", "LookUp", "ahead", "constant", "later", "running_count", "select"]

#: `(table [rows], index [size]) -> [size]`: a target may have a cheaper one than `index_select`.
Gather = Callable[[Tensor, Tensor], Tensor]
#: `(name of a table, index [size]) -> int32 [size]`: reads one of the tokenizer's tables.
LookUp = Callable[[str, Tensor], Tensor]


def constant(value: int, size: int = 1) -> Tensor:
    """`size` times the same number, int32."""
    return torch.tensor([value] * size, dtype=torch.int32)


def select(condition: Tensor, chosen: Tensor | int, otherwise: Tensor | int) -> Tensor:
    """`chosen` where the condition holds; int32 `[size]`."""
    return torch.where(condition, _as_tensor(chosen), _as_tensor(otherwise))


def ahead(values: Tensor, distance: int, fill: int) -> Tensor:
    """At each position the value `distance` positions further on; `[size]`."""
    size = values.shape[0]
    if distance >= size:
        return constant(fill, size)
    return torch.cat([values[distance:], constant(fill, distance)])


def later(values: Tensor, distance: int, fill: int) -> Tensor:
    """At each position the value `distance` positions before it; `[size]`."""
    size = values.shape[0]
    if distance >= size:
        return constant(fill, size)
    return torch.cat([constant(fill, distance), values[: size - distance]])


def running_count(condition: Tensor) -> Tensor:
    """How often the condition held up to each position, that one included; int32 `[size]`."""
    return torch.cumsum(condition.to(torch.int32), 0, dtype=torch.int32)


def _as_tensor(value: Tensor | int) -> Tensor:
    return constant(value) if isinstance(value, int) else value
