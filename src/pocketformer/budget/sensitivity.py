"""What each precision costs, layer by layer: one layer is changed at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pocketformer.budget.judging import Judge
from pocketformer.budget.result import LayerCost
from pocketformer.budget.rounding import Roundings
from pocketformer.plan import WeightFormat, weighted_modules

if TYPE_CHECKING:
    from pocketformer.checkpoint import TextClassifier

__all__ = ["Progress", "sensitivity"]

Progress = Callable[[float, str], None]


def sensitivity(
    model: TextClassifier,
    judge: Judge,
    formats: Sequence[WeightFormat],
    roundings: Roundings,
    on_progress: Progress | None = None,
) -> tuple[LayerCost, ...]:
    """Put one layer at a time into each format, ask the judge, and put it back.

    Args:
        model: In float32; it is left as it was.
        judge: Who asks this very model.
        formats: To try; a layer that does not divide into one is not tried in it.
        roundings: Of this model.
        on_progress: Called with the fraction done and a short message.
    """
    layers = list(weighted_modules(model))
    costs = []
    for place, (name, module, _) in enumerate(layers):
        shape = module.weight.shape
        for stored in formats:
            if not stored.fits(shape):
                continue
            with roundings.applied({name: stored}):
                cost = judge.cost()
            costs.append(
                LayerCost(
                    layer=name,
                    format=str(stored),
                    bytes=stored.stored_bytes(shape),
                    divergence=cost.divergence,
                    accuracy=cost.accuracy,
                )
            )
        if on_progress is not None:
            on_progress((place + 1) / len(layers), f"{name}: {place + 1} of {len(layers)} layers")
    return tuple(costs)
