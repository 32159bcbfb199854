"""Constraints in a plain loop: what is computed with in training is what is left after it."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pocketformer.errors import RecipeError
from pocketformer.plan import Plan, WeightFormat, bake, encode
from pocketformer.plan.activations import simulated
from pocketformer.plan.layers import LayerKind
from pocketformer.train.constraints import Constraints, QuantizationAware, WeightConstraint, WeightRule

PLANS = ["w8-e8-a8", "w4b32-e4b32-a8", "w2-e2-a8", "w3-e4-a32", "wp4-ep3-a32", "fp16", "fp32"]


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Embedding(40, 64), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 4))


def batch() -> tuple[Tensor, Tensor]:
    ids = torch.arange(40).reshape(20, 2)
    return ids, ids[:, 0] // 2 % 4


def train(
    module: nn.Module,
    constraint: QuantizationAware | Constraints,
    steps: range,
    total: int,
    optimizer: torch.optim.Optimizer,
) -> float:
    ids, targets = batch()
    for step in steps:
        constraint.advance(step / total)
        loss = F.cross_entropy(module(ids)[:, 0], targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


@pytest.mark.parametrize("rounding", ["nearest", "clipped"])
@pytest.mark.parametrize("name", PLANS)
def test_what_is_baked_is_what_was_trained_and_lies_on_the_grid(name: str, rounding: str) -> None:
    plan = Plan.named(name).model_copy(update={"rounding": rounding})
    module, constraint = network(), QuantizationAware(plan)
    names = [name for name, _ in module.named_parameters()]
    ids, _ = batch()
    constraint.attach(module)
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-2)
    assert train(module, constraint, range(40), 40, optimizer) < 0.1
    with torch.inference_mode():
        trained = module(ids)
    constraint.bake(module)
    assert [name for name, _ in module.named_parameters()] == names
    assert list(module.state_dict()) == names
    assert not any("parametriz" in type(part).__name__.lower() for part in module.modules())
    with simulated(module, plan), torch.inference_mode():
        assert torch.equal(module(ids), trained)
    kept = copy.deepcopy(module.state_dict())
    bake(module, plan)
    assert all(torch.equal(value, kept[name]) for name, value in module.state_dict().items())


def test_baked_weights_have_the_largest_code_in_each_block() -> None:
    plan = Plan.named("w4b32-e4b32-a8")
    module, constraint = network(), QuantizationAware(plan)
    constraint.attach(module)
    train(module, constraint, range(30), 30, torch.optim.AdamW(module.parameters(), lr=1e-2))
    constraint.bake(module)
    codes = encode(module[1].weight, WeightFormat.parse("int4-b32"))
    largest = codes.values.reshape(32, 2, 32).abs().amax(dim=2)
    assert (largest == 7).all()


def test_gradients_pass_straight_through() -> None:
    layer = nn.Linear(64, 3, bias=False)
    constraint = QuantizationAware(Plan.named("w4-e4-a8"))
    constraint.attach(layer)
    states = torch.randn(5, 64, requires_grad=True)
    layer(states).sum().backward()
    (weight,) = layer.parameters()
    with simulated(nn.Sequential(nn.Linear(64, 3)), Plan.named("int8")):
        pass
    assert states.grad is not None
    assert torch.allclose(states.grad, layer.weight.sum(dim=0).expand(5, 64))
    # Each output's weights see the sum of the quantised states, whatever their own rounding was.
    assert weight.grad is not None
    assert torch.equal(weight.grad[0], weight.grad[1])
    assert torch.allclose(weight.grad[0], states.detach().sum(dim=0), atol=0.2)


def test_a_loop_that_goes_on_from_a_state_dict_ends_with_the_same_weights() -> None:
    plan = Plan.named("w2-e4-a8")
    whole, constraint = network(), QuantizationAware(plan)
    constraint.attach(whole)
    optimizer = torch.optim.AdamW(whole.parameters(), lr=1e-2)
    train(whole, constraint, range(17), 40, optimizer)
    saved = copy.deepcopy((whole.state_dict(), optimizer.state_dict()))
    train(whole, constraint, range(17, 40), 40, optimizer)

    parts, again = network(seed=1), QuantizationAware(plan)
    again.attach(parts)
    other = torch.optim.AdamW(parts.parameters(), lr=1e-2)
    parts.load_state_dict(saved[0])
    other.load_state_dict(saved[1])
    train(parts, again, range(17, 40), 40, other)
    constraint.bake(whole)
    again.bake(parts)
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), parts.parameters(), strict=True))


class _Half(WeightRule):
    """Keeps the first half of the columns."""

    def forward(self, weight: Tensor) -> Tensor:
        return weight * (torch.arange(weight.shape[1]) < weight.shape[1] // 2)

    def advance(self, fraction_done: float, weight: Callable[[], Tensor]) -> None:
        assert weight().requires_grad is False


class _HalfConstraint(WeightConstraint):
    def rule(self, name: str, weight: Tensor, kind: LayerKind) -> WeightRule | None:
        return _Half() if kind == "linear" else None


def test_a_grid_after_sparsity_keeps_the_zeros() -> None:
    plan = Plan.named("w4b32-e8-a8")
    module, constraint = network(), Constraints(_HalfConstraint(), QuantizationAware(plan))
    constraint.attach(module)
    train(module, constraint, range(30), 30, torch.optim.AdamW(module.parameters(), lr=1e-2))
    constraint.bake(module)
    weight = module[1].weight
    assert (weight[:, 32:] == 0).all()
    assert (weight[:, :32] != 0).any()
    kept = weight.detach().clone()
    bake(module, plan)
    assert torch.equal(module[1].weight, kept)


def test_a_weight_that_two_layers_share_stays_shared() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table, self.output = nn.Embedding(10, 32), nn.Linear(32, 10, bias=False)
            self.output.weight = self.table.weight

        def forward(self, ids: Tensor) -> Tensor:
            return self.output(self.table(ids))

    module, constraint = Tied(), QuantizationAware(Plan.named("w8-e2-a32"))
    constraint.attach(module)
    before = module(torch.arange(10))
    constraint.bake(module)
    assert module.output.weight is module.table.weight
    assert torch.equal(module(torch.arange(10)), before)


def test_what_cannot_be_followed_is_said_before_anything_is_changed() -> None:
    module = network()
    plan = Plan.named("int8").with_layers({"1": WeightFormat.parse("int4-b48")})
    with pytest.raises(RecipeError, match=r"'1'.*does not divide into int4-b48"):
        QuantizationAware(plan).attach(module)
    with pytest.raises(RecipeError, match="speaks of a layer 'attention'"):
        QuantizationAware(plan.with_layers({"attention": WeightFormat.parse("int8")})).attach(module)
    assert list(module.state_dict()) == list(network().state_dict())
    constraint = QuantizationAware(Plan.named("int8"))
    constraint.attach(module)
    with pytest.raises(RecipeError, match="attached to a module already"):
        constraint.attach(module)
