"""The rules of a plan: a weight on a grid of integers, of float16 numbers, or of a few shared values."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from pocketformer.errors import RecipeError
from pocketformer.plan.formats import WeightFormat
from pocketformer.plan.grid import CLIPPED_BITS, encode, scales_of
from pocketformer.train.constraints.weights import WeightRule, straight_through

__all__ = ["GridRule", "HalfRule", "PaletteRule", "ScheduledRule", "rule_of"]

_REFRESHES = 10  # searches for clipped scales or palettes over a whole training; between them they stay


class HalfRule(WeightRule):
    """A weight of float16 numbers."""

    def forward(self, weight: Tensor) -> Tensor:
        """Round to float16."""
        return straight_through(weight, weight.detach().half().to(weight.dtype))


class ScheduledRule(WeightRule):
    """A rule with values that are searched for now and then; the count is a buffer, and so survives."""

    refreshes: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("refreshes", torch.zeros((), dtype=torch.int64))

    def refresh(self, weight: Tensor) -> None:
        """Search anew for this weight."""
        raise NotImplementedError

    def advance(self, fraction_done: float, weight: Callable[[], Tensor]) -> None:
        """Refresh at even distances over the training."""
        if (number := int(fraction_done * _REFRESHES)) > int(self.refreshes):
            self.refreshes.fill_(number)
            self.refresh(weight())


class GridRule(ScheduledRule):
    """A weight whose every number is a code times the scale of its row or block, as `plan.encode` finds them.

    By the largest magnitude the scales follow the weights at every step; by the least squared error they are
    searched for now and then, and never exceed what the largest magnitude asks for: the largest code is in
    use in each row or block, so that the codes can be told from the weight.

    Args:
        weight: `[rows, columns…]`.
        into: An integer format.
        clipped: Whether scales go by the least squared error.
    """

    scales: Tensor

    def __init__(self, weight: Tensor, into: WeightFormat, clipped: bool) -> None:
        super().__init__()
        self._format, self._clipped = into, clipped and into.bits <= CLIPPED_BITS
        found = encode(weight, into, clipped=self._clipped)  # refuses what does not fit
        self.register_buffer("scales", found.scales[..., None] if self._clipped else None)

    def forward(self, weight: Tensor) -> Tensor:
        """Round to the grid."""
        blocks = self._blocks(weight.detach())
        scales = scales_of(blocks, self._format.highest)
        if self._clipped:
            scales = torch.minimum(scales, self.scales)
        highest = self._format.highest
        value = (blocks / scales).round_().clamp_(-highest, highest).mul_(scales)
        return straight_through(weight, value.to(weight.dtype))

    def refresh(self, weight: Tensor) -> None:
        """Search for the scales with the least squared error."""
        if self._clipped:
            self.scales.copy_(encode(weight, self._format, clipped=True).scales[..., None])

    def _blocks(self, weight: Tensor) -> Tensor:
        return weight.reshape(len(weight), -1, self._format.size or weight[0].numel()).float()


class PaletteRule(ScheduledRule):
    """A weight of a few shared float16 values, found by k-means at the start and now and then.

    Args:
        weight: `[rows, columns…]`.
        into: A palette format.
    """

    values: Tensor

    def __init__(self, weight: Tensor, into: WeightFormat) -> None:
        super().__init__()
        self._format = into
        self.register_buffer("values", encode(weight.cpu(), into).scales)

    def forward(self, weight: Tensor) -> Tensor:
        """Take the nearest value of the palette."""
        numbers = weight.detach().reshape(len(self.values), -1).float()
        between = (self.values[:, 1:] + self.values[:, :-1]) / 2
        places = torch.searchsorted(between, numbers)
        return straight_through(weight, torch.gather(self.values, 1, places).to(weight.dtype))

    def refresh(self, weight: Tensor) -> None:
        """Search for the values with the least squared error."""
        self.values.copy_(encode(weight.cpu(), self._format).scales)


def rule_of(weight: Tensor, into: WeightFormat, clipped: bool) -> WeightRule | None:
    """Return the rule of a format for a weight; float32 needs none.

    Raises:
        RecipeError: The weight does not divide into its blocks or groups.
    """
    if into.kind == "float":
        return None if into.bits == 32 else HalfRule()
    if not torch.isfinite(weight).all():
        raise RecipeError("The weight has numbers that are not finite.")
    return PaletteRule(weight, into) if into.kind == "palette" else GridRule(weight, into, clipped)
