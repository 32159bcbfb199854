"""Magnitude pruning: the smallest weights become zero, few at first and then more, up to a target sparsity.

The share of zeros rises as Zhu & Gupta have it ("To prune, or not to prune", 2017): fast while much is
redundant, slower towards the target. A weight behind the mask keeps its value, and comes back when it is
among the largest at a later choice. Zeros lie on every grid of integers, so sparsity is attached first and
a grid after it. Shapes stay as they are: what gets smaller is the compressed file.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Literal

import torch
from torch import Tensor, nn

from pocketformer.errors import RecipeError
from pocketformer.plan.layers import LayerKind, stored_weight, weighted_modules
from pocketformer.plan.names import inside_most
from pocketformer.train.constraints.weights import WeightConstraint, WeightRule, require_known_layers

__all__ = ["MaskRule", "Sparsity", "cubic", "share_of_zeros"]

_ROUNDING = 1e-9  # so that 0.1 + 0.2 is not before 0.3


class MaskRule(WeightRule):
    """A weight times a mask of zeros and ones; only what is not masked has a gradient.

    Args:
        weight: `[rows, columns…]`.
        target: Its share of zeros at the end, 0 to below 1.
    """

    mask: Tensor
    choices: Tensor

    def __init__(self, weight: Tensor, target: float) -> None:
        super().__init__()
        self.target = target
        self.register_buffer("mask", torch.ones_like(weight, dtype=torch.bool))
        self.register_buffer("choices", torch.zeros((), dtype=torch.int64))

    def forward(self, weight: Tensor) -> Tensor:
        """Put the zeros in."""
        return weight * self.mask


class Sparsity(WeightConstraint):
    """Trains a module towards weights of which a share is zero.

    From `begin` to `end` the masks are chosen anew at even distances, each time with more zeros; from `end`
    on they stay, and the training goes on with what is left. A checkpoint from before that is less sparse.

    Args:
        target: Share of zeros at the end, 0 to below 1.
        scope: 'layer' gives each weight the same share; 'global' zeros the smallest of all layers together.
        begin: Share of the training that is done when the first weights go.
        end: Share of the training that is done when the last weights go.
        choices: How often the masks are chosen.
        layers: Exceptions by layer name, as in `module.named_modules()`, a prefix for all that is inside: a
            target of their own, 0 leaves them alone.
        kinds: Of layers: 'linear', 'convolution', 'embedding'.

    Raises:
        RecipeError: A share or a number out of range.
    """

    def __init__(
        self,
        target: float,
        *,
        scope: Literal["layer", "global"] = "layer",
        begin: float = 0.0,
        end: float = 0.6,
        choices: int = 50,
        layers: Mapping[str, float] | None = None,
        kinds: Collection[LayerKind] = ("linear", "convolution"),
    ) -> None:
        super().__init__()
        for name, share in {"target": target, **(layers or {})}.items():
            if not 0 <= share < 1:
                raise RecipeError(
                    f"The sparsity {name!r} is {share}; give a share from 0 to below 1, as 0.8."
                )
        if not 0 <= begin < end <= 1 or choices < 1:
            raise RecipeError(
                f"Sparsity was to rise from {begin} to {end} of the training in {choices} steps; give shares "
                "from 0 to 1 in ascending order, and at least one step."
            )
        self.target, self.scope, self.begin, self.end, self.choices = target, scope, begin, end, choices
        self._layers, self._kinds = dict(layers or {}), kinds
        self._module: nn.Module | None = None

    def attach(self, module: nn.Module) -> None:
        """Put masks of ones on a module.

        Raises:
            RecipeError: An exception for a layer that is not there, or no layer that gets zeros.
        """
        require_known_layers(module, self._layers, self._kinds, "Sparsity")
        super().attach(module)
        if not self._places:
            raise RecipeError(
                f"Sparsity is for layers of the kinds {', '.join(self._kinds)}, and the module has none that "
                "is to have zeros."
            )

    def rule(self, name: str, weight: Tensor, kind: LayerKind) -> WeightRule | None:
        """Return a mask where a layer is to have zeros."""
        exception = inside_most(name, self._layers)
        target = self.target if exception is None else self._layers[exception]
        return MaskRule(weight, target) if target and kind in self._kinds else None

    def advance(self, fraction_done: float) -> None:
        """Choose the masks anew where it is time."""
        done = (fraction_done - self.begin) / (self.end - self.begin)
        number = min(math.floor(done * self.choices + _ROUNDING), self.choices)
        masks = {rule: stored_weight(part) for part, rule in self._places if isinstance(rule, MaskRule)}
        due = {rule: weight for rule, weight in masks.items() if number > int(rule.choices)}
        share = cubic(number / self.choices)
        together = [rule for rule in due if self.scope == "global" and rule.target == self.target]
        if together:
            _choose({rule: due[rule] for rule in together}, share * self.target)
        for rule, weight in due.items():
            if rule not in together:
                _choose({rule: weight}, share * rule.target)
            rule.choices.fill_(number)


def _choose(weights: Mapping[MaskRule, Tensor], share: float) -> None:
    """Mask the smallest of some weights, a share of all of them together."""
    magnitudes = torch.cat([weight.detach().abs().float().flatten() for weight in weights.values()])
    mask = torch.ones_like(magnitudes, dtype=torch.bool)
    count = round(share * len(magnitudes))
    mask[magnitudes.topk(count, largest=False, sorted=False).indices] = False
    parts = torch.split(mask, [weight.numel() for weight in weights.values()])
    for rule, part in zip(weights, parts, strict=True):
        rule.mask.copy_(part.view_as(rule.mask))


def cubic(done: float) -> float:
    """Return the share of the target sparsity that is reached when a share of the schedule is done."""
    return 1 - (1 - done) ** 3


def share_of_zeros(module: nn.Module, kinds: Collection[LayerKind] = ("linear", "convolution")) -> float:
    """Return the share of zeros among the weights of a module's layers, 0 to 1."""
    weights = [part.weight.detach() for _, part, kind in weighted_modules(module) if kind in kinds]
    total = sum(weight.numel() for weight in weights)
    return sum(int((weight == 0).sum()) for weight in weights) / total if total else 0.0
