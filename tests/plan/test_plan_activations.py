"""Activations by XNNPACK's rule: one code per number, each token alone, zero exact."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from pocketformer.plan import Plan, WeightFormat, bake
from pocketformer.plan.activations import per_token, simulated


def by_hand(row: np.ndarray) -> np.ndarray:
    """Compute the rule in NumPy's float32, one token at a time."""
    one, steps = np.float32(1), np.float32(255)
    low, high = min(np.float32(0), row.min()), max(np.float32(0), row.max())
    with np.errstate(divide="ignore", over="ignore"):
        factor = steps / (high - low)
    factor = factor if np.isfinite(factor) else one
    at_low, at_high = low * factor - np.float32(128), high * factor + np.float32(127)
    zero = -np.float32(128) - low * factor if at_low + at_high > 0 else np.float32(127) - high * factor
    zero = np.rint(np.clip(zero, -128, 127))
    codes = np.clip(np.rint(row * factor) + zero, -128, 127)
    assert len(np.unique(codes)) <= 256
    return (codes - zero) * (one / factor)


numbers = st.floats(-100, 100, width=32, allow_subnormal=False)


@given(st.lists(numbers, min_size=1, max_size=12))
def test_each_token_is_held_as_the_runtime_holds_it(row: list[float]) -> None:
    states = np.array(row, np.float32)
    assert np.array_equal(per_token(torch.from_numpy(states)).numpy(), by_hand(states))


def test_a_range_too_narrow_to_have_steps_is_zero() -> None:
    states = torch.tensor([[1.1754944e-38, 0.0], [0.0, 0.0], [-1e-37, 1e-37], [1.0, -1.0]])
    found = per_token(states)
    assert (found[:3] == 0).all()
    assert torch.allclose(found[3], states[3], atol=1 / 255)


def test_tokens_do_not_see_each_other_and_zero_is_exact() -> None:
    states = torch.randn(3, 5, 16) * torch.tensor([0.01, 1.0, 100.0]).reshape(3, 1, 1)
    states[:, :, 3] = 0
    found = per_token(states)
    assert torch.equal(found[1], per_token(states[1]))
    assert (found[:, :, 3] == 0).all()
    step = (states.amax(-1) - states.amin(-1)) / 255
    assert ((found - states).abs().amax(-1) <= step * 0.5001 + 1e-7).all()


def test_gradients_and_types_pass_through() -> None:
    states = torch.randn(2, 8, requires_grad=True)
    per_token(states).square().sum().backward()
    assert torch.equal(states.grad, 2 * per_token(states).detach())
    assert per_token(states.bfloat16()).dtype == torch.bfloat16


@pytest.mark.parametrize(("name", "changes"), [("int8", True), ("w8-e8-a32", False), ("fp16", False)])
def test_only_integer_weights_of_such_plans_have_them(name: str, changes: bool) -> None:
    module, states = nn.Sequential(nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 4)), torch.randn(6, 32)
    plan = Plan.named(name)
    bake(module, plan)
    plain = module(states)
    with simulated(module, plan):
        assert torch.equal(module(states), plain) != changes
        assert torch.allclose(module(states), plain, atol=0.05)
    assert torch.equal(module(states), plain)


def test_layers_that_stay_float_see_exact_inputs() -> None:
    module, states = nn.Sequential(nn.Linear(32, 4)), torch.randn(6, 32)
    with simulated(module, Plan.named("int8").with_layers({"0": WeightFormat.parse("fp16")})):
        assert torch.equal(module(states), module[0](states))
    plain = module(states)
    with pytest.raises(ZeroDivisionError), simulated(module, Plan.named("int8")):
        raise ZeroDivisionError
    assert torch.equal(module(states), plain)
