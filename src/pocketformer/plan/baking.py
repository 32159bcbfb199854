"""Weights put on a plan's grid: ordinary float32 numbers that every target stores without a further error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from pocketformer.errors import RecipeError
from pocketformer.plan.formats import WeightFormat
from pocketformer.plan.grid import decode, encode
from pocketformer.plan.layers import weighted_modules
from pocketformer.plan.names import is_inside
from pocketformer.plan.plan import Plan

__all__ = ["bake", "baked", "on_grid"]


def bake(module: nn.Module, plan: Plan) -> None:
    """Put the weights of a module on the plan's grid, in place. Doing it twice changes nothing.

    Args:
        module: Any; its linear, convolution and embedding layers are what the plan speaks of.
        plan: With 'nearest' or 'clipped' rounding; 'gptq' wants texts, and is done before.

    Raises:
        RecipeError: A weight that does not divide into its format's blocks or groups, or that is not finite;
            or the plan has an exception for a layer that is not there. Nothing is changed.
    """
    require_layers(module, plan)
    found = [
        (
            part.weight,
            on_grid(part.weight, plan.format_of(name, part.weight.shape, kind == "embedding"), plan, name),
        )
        for name, part, kind in weighted_modules(module)
    ]
    with torch.no_grad():
        for weight, value in found:
            weight.copy_(value)


@contextmanager
def baked(module: nn.Module, plan: Plan) -> Iterator[None]:
    """Have the weights of a module on the plan's grid for as long as the block runs."""
    kept = [(part.weight, part.weight.detach().clone()) for _, part, _ in weighted_modules(module)]
    try:
        bake(module, plan)
        yield
    finally:
        with torch.no_grad():
            for weight, value in kept:
                weight.copy_(value)


def on_grid(weight: Tensor, into: WeightFormat, plan: Plan, name: str = "") -> Tensor:
    """Return a weight `[rows, columns…]` on the grid of its format.

    Raises:
        RecipeError: It does not divide into blocks or groups, or is not finite, or too large for float16.
    """
    if into.kind == "float":
        if into.bits == 32:
            return weight.detach()
        value = weight.detach().half().float()
    else:
        try:
            value = decode(encode(weight, into, clipped=plan.rounding == "clipped"))
        except RecipeError as error:
            raise RecipeError(f"The layer {name!r}: {error}") from error
    if not torch.isfinite(value).all():
        raise RecipeError(f"The layer {name!r} has weights that {into} cannot hold; keep it in fp32.")
    return value


def require_layers(module: nn.Module, plan: Plan) -> None:
    """Refuse exceptions that no layer of the module answers to.

    Raises:
        RecipeError: The sentence names it, and a layer there is.
    """
    names = [name for name, _, _ in weighted_modules(module)]
    for asked in plan.layers:
        if not any(is_inside(name, asked) for name in names):
            example = names[len(names) // 2] if names else "none at all"
            raise RecipeError(
                f"The plan {plan.name!r} speaks of a layer {asked!r}, which the model does not have; it has "
                f"such as {example}."
            )
