"""Rules for single weights, put on the layers of a module as parametrisations."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from pocketformer.errors import RecipeError
from pocketformer.plan.layers import LayerKind, WeightedModule, stored_weight, weighted_modules
from pocketformer.plan.names import is_inside

__all__ = ["WeightConstraint", "WeightRule", "require_known_layers", "straight_through"]


class WeightRule(nn.Module):
    """What one weight has to be: `forward` makes it so, with gradients; buffers keep its state."""

    def forward(self, weight: Tensor) -> Tensor:
        """Return the weight as the rule wants it, of the same shape and type."""
        raise NotImplementedError

    def advance(self, fraction_done: float, weight: Callable[[], Tensor]) -> None:
        """Follow the schedule; a rule without one has nothing to do.

        Args:
            fraction_done: Share of the training that is done, 0 to 1.
            weight: Computes, without gradients, what `forward` will get.
        """


class WeightConstraint(ABC):
    """A constraint that is a rule for each weight: of linear, convolution and embedding layers."""

    def __init__(self) -> None:
        self._places: list[tuple[WeightedModule, WeightRule]] = []

    @abstractmethod
    def rule(self, name: str, weight: Tensor, kind: LayerKind) -> WeightRule | None:
        """Return the rule for a weight `[rows, columns…]`; None leaves it free.

        Args:
            name: Of the layer, as in `module.named_modules()`.
            weight: As the constraints before this one make it.
            kind: 'linear', 'convolution' or 'embedding'.
        """

    def attach(self, module: nn.Module) -> None:
        """Put the rules on; layers that share a weight share its rule.

        Raises:
            RecipeError: The constraint is attached already, or a weight cannot follow its rule.
        """
        if self._places:
            raise RecipeError("This constraint is attached to a module already: bake it first.")
        found = [
            (part, self.rule(name, part.weight.detach(), kind))
            for name, part, kind in weighted_modules(module)
        ]
        for part, rule in found:
            if rule is None:
                continue
            for place in _sharers(module, stored_weight(part)):
                parametrize.register_parametrization(
                    place, "weight", rule.to(part.weight.device), unsafe=True
                )
                self._places.append((place, rule))

    def advance(self, fraction_done: float) -> None:
        """Advance every rule."""
        with torch.no_grad():
            for part, rule in self._places:
                rule.advance(fraction_done, partial(_before, part, rule))

    def bake(self, module: nn.Module) -> None:
        """Leave the weights that the layers compute with, rules of other constraints included."""
        for part, _ in self._places:
            if parametrize.is_parametrized(part, "weight"):
                parametrize.remove_parametrizations(part, "weight")
                if part._parameters.get("bias") is not None:  # parameters keep their order: the weight first
                    part._parameters["bias"] = part._parameters.pop("bias")
        self._places = []


def straight_through(weight: Tensor, value: Tensor) -> Tensor:
    """Return `value`, whose gradient goes to `weight` as it is (Bengio et al. 2013)."""
    result: Tensor = _StraightThrough.apply(weight, value)  # type: ignore[no-untyped-call]  # torch's own
    return result


class _StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weight: Tensor, value: Tensor) -> Tensor:
        return value.view_as(weight)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0], None


def _sharers(module: nn.Module, weight: Tensor) -> Iterator[WeightedModule]:
    """Yield the layers that have this very weight; found before any of them is changed."""
    yield from [
        part
        for part in module.modules()
        if isinstance(part, WeightedModule) and stored_weight(part) is weight
    ]


def _before(part: WeightedModule, rule: WeightRule) -> Tensor:
    """Return what the rules before this one make of a layer's weight."""
    weight = stored_weight(part)
    for other in cast(nn.ModuleDict, part.parametrizations)["weight"].children():
        if other is rule:
            break
        weight = other(weight)
    return weight.detach()


def require_known_layers(
    module: nn.Module, asked: Collection[str], kinds: Collection[LayerKind], constraint: str
) -> None:
    """Refuse exceptions for layers that a constraint is not for.

    Args:
        module: What it is attached to.
        asked: Names of layers, or of what they are inside of.
        kinds: That the constraint is for.
        constraint: Its name, for the sentence.

    Raises:
        RecipeError: A name that no such layer answers to; the sentence lists those there are.
    """
    names = [name for name, _, kind in weighted_modules(module) if kind in kinds]
    for one in asked:
        if not any(is_inside(name, one) for name in names):
            raise RecipeError(
                f"{constraint} has an exception for a layer {one!r}, but the layers it is for are "
                f"{', '.join(names) or 'none'}."
            )
