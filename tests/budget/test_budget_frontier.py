"""The frontier and the choice: what is cheap is coarsened first; a budget that cannot be kept says why."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketformer.budget import BudgetSettings, LayerCost, Option
from pocketformer.budget.choice import choose
from pocketformer.budget.frontier import frontier, weight_bytes
from pocketformer.errors import BudgetError
from pocketformer.plan import Plan

_BASE = Plan.named("int8")


def cost(layer: str, name: str, size: float, divergence: float) -> LayerCost:
    return LayerCost(layer=layer, format=name, bytes=size, divergence=divergence, accuracy=None)


def option(megabytes: float, drop: float, milliseconds: float | None = None) -> Option:
    return Option(plan=_BASE, megabytes=megabytes, divergence=drop / 10, drop=drop, milliseconds=milliseconds)


_COSTS = (
    cost("robust", "int8", 100, 0.0), cost("robust", "int4", 50, 0.001), cost("robust", "int2", 25, 0.5),
    cost("tender", "int8", 100, 0.0), cost("tender", "int4", 50, 0.2), cost("tender", "int2", 25, 0.9),
)  # fmt: skip


def test_what_costs_least_is_coarsened_first() -> None:
    plans = frontier(_COSTS, _BASE, 10)
    formats = [tuple(str(stored) for stored in plan.layers.values()) for plan in plans]
    assert formats[:3] == [("int8", "int8"), ("int4", "int8"), ("int4", "int4")]
    assert formats[-1] == ("int2", "int2")
    sizes = [weight_bytes(plan, _COSTS) for plan in plans]
    assert sizes == sorted(sizes, reverse=True)


def test_few_plans_keep_the_ends() -> None:
    few = frontier(_COSTS, _BASE, 2)
    assert [weight_bytes(plan, _COSTS) for plan in few] == [200, 50]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=4))
def test_no_mixture_beats_the_frontier(divergences: list[tuple[float, float, float]]) -> None:
    sizes = {"int8": 100.0, "int4": 50.0, "int2": 25.0}
    layers = {
        f"layer{number}": [
            cost(f"layer{number}", name, sizes[name], d) for name, d in zip(sizes, one, strict=True)
        ]
        for number, one in enumerate(divergences)
    }
    costs = [one for options in layers.values() for one in options]
    total = {(one.layer, one.format): one.divergence for one in costs}
    for plan in frontier(costs, _BASE, 1000):
        size = weight_bytes(plan, costs)
        found = sum(total[layer, str(stored)] for layer, stored in plan.layers.items())
        for mixture in itertools.product(*layers.values()):
            if sum(one.bytes for one in mixture) <= size:
                assert sum(one.divergence for one in mixture) >= found - 1e-9


def test_the_most_exact_within_the_size_and_the_smallest_within_the_loss() -> None:
    options = [option(5, 0.0), option(4, 0.1), option(3, 0.4), option(2, 2.0)]
    assert choose(options, BudgetSettings(max_mb=4.5)) == 1
    assert choose(options, BudgetSettings(max_drop=0.5)) == 2
    assert choose(options, BudgetSettings(max_mb=3.5, max_drop=0.5)) == 2


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"max_mb": 1}, r"the smallest file has 2\.00 MB, at most 1 was asked for"),
        ({"max_drop": 0.05}, r"the best one loses 0\.10 points, at most 0\.05 was asked for"),
        ({"max_mb": 2.5, "max_drop": 0.5}, r"of those that keep the others, the best has 2\.00 points lost"),
        ({"max_ms": 0.5}, r"the quickest takes 1\.00 ms, at most 0\.5 was asked for"),
    ],
)
def test_an_impossible_budget_says_which_limit_and_how_near(
    settings: dict[str, float], sentence: str
) -> None:
    options = [option(4, 0.1, 1.0), option(3, 0.4, 1.5), option(2, 2.0, 2.0)]
    with pytest.raises(BudgetError, match=sentence):
        choose(options, BudgetSettings.model_validate(settings))


def test_a_budget_without_a_limit_is_none() -> None:
    with pytest.raises(ValueError, match="needs a limit"):
        BudgetSettings()
