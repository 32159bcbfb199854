"""A model's weights in every format asked for, each found once: searching for codes takes longest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from pocketformer.plan import Codes, Plan, WeightFormat, decode, encode, weighted_modules
from pocketformer.plan.baking import on_grid

if TYPE_CHECKING:
    from pocketformer.checkpoint import TextClassifier

__all__ = ["Roundings"]


class Roundings:
    """The weights of a model on the grids of many formats, kept as codes: a byte for each number.

    Args:
        model: In float32; it must not be changed but by `applied`.
        plan: Says how codes are found.
    """

    def __init__(self, model: TextClassifier, plan: Plan) -> None:
        self._plan = plan
        self._weights = {name: module.weight for name, module, _ in weighted_modules(model)}
        self._exact = {name: weight.detach().clone() for name, weight in self._weights.items()}
        self._codes: dict[tuple[str, str], Codes] = {}

    @contextmanager
    def applied(self, formats: Mapping[str, WeightFormat]) -> Iterator[None]:
        """Have some layers in formats of theirs for as long as the block runs, the others in float32."""
        try:
            with torch.no_grad():
                for name, stored in formats.items():
                    self._weights[name].copy_(self._value(name, stored))
            yield
        finally:
            with torch.no_grad():
                for name in formats:
                    self._weights[name].copy_(self._exact[name])

    def _value(self, name: str, stored: WeightFormat) -> Tensor:
        exact = self._exact[name]
        if stored.kind == "float":
            return on_grid(exact, stored, self._plan, name)
        key = name, str(stored)
        if key not in self._codes:
            self._codes[key] = encode(exact, stored, clipped=self._plan.rounding == "clipped")
        return decode(self._codes[key])
