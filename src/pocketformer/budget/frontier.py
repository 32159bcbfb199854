"""Plans between the most exact and the smallest, from what each layer costs alone.

Costs of layers are taken to add up, so that for any price of a byte each layer can be decided alone
(Lagrange multipliers, as in Shoham and Gersho 1988); the prices at which something changes give the frontier.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from pocketformer.budget.result import LayerCost
from pocketformer.plan import Plan, WeightFormat

__all__ = ["frontier", "weight_bytes"]

_Choice = dict[str, LayerCost]
_ROUNDING = 1e-9


def frontier(costs: Sequence[LayerCost], plan: Plan, count: int) -> tuple[Plan, ...]:
    """Return at most `count` plans, the most exact first.

    Args:
        costs: Of every layer in every format it can have.
        plan: What they share: activations and rounding.
        count: At least 2: the most exact and the smallest are among them.
    """
    layers: dict[str, list[LayerCost]] = defaultdict(list)
    for cost in costs:
        layers[cost.layer].append(cost)
    hulls = {layer: _hull(options) for layer, options in layers.items()}
    prices = sorted(
        {
            (smaller.divergence - larger.divergence) / (larger.bytes - smaller.bytes)
            for hull in hulls.values()
            for larger, smaller in pairwise(hull)
        }
    )
    choices = [{layer: hull[0] for layer, hull in hulls.items()}]
    choices += [{layer: _at(hull, price) for layer, hull in hulls.items()} for price in prices]
    return tuple(
        _plan(choice, plan, f"plan{place + 1}") for place, choice in enumerate(_spread(choices, count))
    )


def weight_bytes(plan: Plan, costs: Sequence[LayerCost]) -> float:
    """Return what the weights take that a plan from `frontier` gives a format to."""
    wanted = {layer: str(stored) for layer, stored in plan.layers.items()}
    return sum(cost.bytes for cost in costs if wanted.get(cost.layer) == cost.format)


def _hull(options: Sequence[LayerCost]) -> list[LayerCost]:
    """Return the options that some price prefers, the largest first: the lower convex hull."""
    ordered = sorted(options, key=lambda one: (-one.bytes, one.divergence))
    start = min(ordered, key=lambda one: (one.divergence, one.bytes))
    hull = [start]
    for option in ordered:
        if option.bytes >= hull[-1].bytes:
            continue
        while len(hull) > 1 and _slope(hull[-2], hull[-1]) >= _slope(hull[-2], option):
            hull.pop()
        hull.append(option)
    return hull


def _slope(larger: LayerCost, smaller: LayerCost) -> float:
    return (smaller.divergence - larger.divergence) / (larger.bytes - smaller.bytes)


def _at(hull: Sequence[LayerCost], price: float) -> LayerCost:
    """Return what a layer takes when a byte costs a little more divergence: of equals the smaller."""
    above = price * (1 + _ROUNDING)
    return min(hull, key=lambda one: (one.divergence + above * one.bytes, one.bytes))


def _spread(choices: Sequence[_Choice], count: int) -> list[_Choice]:
    """Return at most `count` of the choices, the ends among them, evenly spaced by their bytes."""
    sizes = [sum(cost.bytes for cost in choice.values()) for choice in choices]
    if len(choices) <= count:
        return [choices[place] for place in _descending(sizes)]
    step = (sizes[0] - sizes[-1]) / (count - 1)
    wanted = [sizes[0] - step * number for number in range(count)]
    places = {min(range(len(sizes)), key=lambda place: abs(sizes[place] - size)) for size in wanted}
    return [choices[place] for place in sorted(places)]


def _descending(sizes: Sequence[float]) -> list[int]:
    return [place for place, size in enumerate(sizes) if place == 0 or size < sizes[place - 1]]


def _plan(choice: _Choice, plan: Plan, name: str) -> Plan:
    """Return the plan of a choice, every layer named: it is meant for this model and no other."""
    formats = {layer: WeightFormat.parse(cost.format) for layer, cost in choice.items()}
    return plan.model_copy(update={"name": name, "layers": formats})
