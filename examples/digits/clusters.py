"""A constraint of one's own: each layer has 16 codes, wherever its rows begin and end."""

from __future__ import annotations

import torch
from torch import Tensor

from pocketformer.plan.layers import LayerKind
from pocketformer.train.constraints import WeightConstraint, WeightRule, straight_through

_HIGHEST = 127  # int8
_REFRESHES = 20
_ROUNDS = 30  # of k-means, which has settled by then


class SharedCodes(WeightConstraint):
    """Trains weights that are a row's scale times one of a few int8 codes, which the whole layer shares.

    k-means (Lloyd, 1982) finds the codes among the weights divided by their row's largest. The file is an
    ordinary int8 one; a download of it has to tell 16 codes apart instead of 255.

    Args:
        count: Codes of a layer; the two that stand for a row's largest weight are among them.
    """

    def __init__(self, count: int = 16) -> None:
        super().__init__()
        self.count = count

    def rule(self, name: str, weight: Tensor, kind: LayerKind) -> WeightRule | None:
        """Return the rule of a layer."""
        return _CodesRule(weight, self.count)


class _CodesRule(WeightRule):
    codes: Tensor

    def __init__(self, weight: Tensor, count: int) -> None:
        super().__init__()
        start = torch.linspace(-_HIGHEST, _HIGHEST, count).round()
        self.register_buffer("codes", _clustered(_scaled(weight)[0], start))
        self._refreshes = 0

    def forward(self, weight: Tensor) -> Tensor:
        scaled, scales = _scaled(weight)
        places = torch.bucketize(scaled, (self.codes[1:] + self.codes[:-1]) / 2)
        return straight_through(weight, self.codes[places] * scales)

    def advance(self, fraction_done: float, weight: object) -> None:
        """Look for the codes anew at even distances, but leave them for the last part of the training."""
        number = int(fraction_done * _REFRESHES)
        if number > self._refreshes and fraction_done < 0.8 and callable(weight):
            self._refreshes = number
            self.codes.copy_(_clustered(_scaled(weight())[0], self.codes))


def _scaled(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return a weight [rows, columns] as numbers from -127 to 127, and each row's scale, as plans have it."""
    weight = weight.detach()
    scales = (weight.abs().amax(1, keepdim=True) / _HIGHEST).half().float().clamp(min=2.0**-24)
    return (weight / scales).clamp(-_HIGHEST, _HIGHEST), scales


def _clustered(numbers: Tensor, codes: Tensor) -> Tensor:
    """Move codes to the means of what is nearest to them; both ends stay, for a row's largest weight."""
    ordered = numbers.flatten().sort().values.double()
    sums = torch.cat([torch.zeros(1).double(), ordered.cumsum(0)])
    for _ in range(_ROUNDS):
        edges = torch.searchsorted(ordered, (codes[1:] + codes[:-1]).double() / 2)
        bounds = torch.cat([torch.zeros(1).long(), edges, torch.tensor([len(ordered)])])
        counts = bounds.diff()
        means = torch.where(counts > 0, sums[bounds].diff() / counts.clamp(min=1), codes.double())
        codes = torch.cat([codes[:1], means[1:-1].round().float(), codes[-1:]])
    return codes
