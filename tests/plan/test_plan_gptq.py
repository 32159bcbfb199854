"""Rounding by inputs: less error of what a layer gives, and a grid that every target finds again."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from pocketformer.errors import RecipeError
from pocketformer.plan import Plan, WeightFormat, bake, simulated
from pocketformer.plan.gptq import apply_gptq, rounded_by_inputs
from pocketformer.plan.grid import decode, encode


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(60, 64)
        self.first, self.second = nn.Linear(64, 96), nn.Linear(96, 64)
        self.output, self.unused = nn.Linear(64, 5), nn.Linear(64, 5)

    def forward(self, ids: Tensor) -> Tensor:
        states = self.table(ids)
        return self.output(states + self.second(torch.relu(self.first(states))))


def correlated(tokens: int, columns: int) -> Tensor:
    return torch.randn(tokens, columns // 8) @ torch.randn(columns // 8, columns) + 0.1 * torch.randn(
        tokens, columns
    )


@pytest.mark.parametrize("name", ["int4", "int4-b32", "int3", "int2", "int8"])
def test_outputs_have_less_error_and_the_codes_are_found_again(name: str) -> None:
    torch.manual_seed(0)
    into, weight, inputs = WeightFormat.parse(name), torch.randn(24, 192), correlated(400, 192)
    found = rounded_by_inputs(weight, into, inputs)
    by_weight = decode(encode(weight, into, clipped=True))
    exact = inputs @ weight.T
    assert (inputs @ found.T - exact).square().mean() < 0.6 * (inputs @ by_weight.T - exact).square().mean()
    assert torch.equal(decode(encode(found, into)), found)
    assert torch.equal(decode(encode(found, into, clipped=True)), found)


def test_inputs_that_say_nothing_leave_the_nearest_codes() -> None:
    torch.manual_seed(0)
    weight, into = torch.randn(4, 32), WeightFormat.parse("int8")
    assert torch.equal(rounded_by_inputs(weight, into, torch.zeros(3, 32)), decode(encode(weight, into)))
    alone = torch.eye(32)  # no column can make good what another one lost
    assert torch.equal(rounded_by_inputs(weight, into, alone), decode(encode(weight, into)))


@pytest.mark.parametrize("name", ["w4b32-e4-a8", "w3-e8-a32", "w2-e4-a8"])
def test_a_module_ends_on_the_grid_and_nearer_to_what_it_was(name: str) -> None:
    torch.manual_seed(0)
    module, plan = Network().train(), Plan.named(name)
    module.table.weight.data = correlated(60, 64)
    ids = torch.randint(0, 60, (64, 6))
    exact = module(ids).detach()

    nearest = copy.deepcopy(module)
    bake(nearest, plan)
    apply_gptq(module, plan, {"ids": ids})
    assert module.training
    kept = copy.deepcopy(module.state_dict())
    with simulated(module, plan), simulated(nearest, plan), torch.no_grad():
        ours, theirs = ((part(ids) - exact).square().mean() for part in (module, nearest))
    assert ours < theirs
    bake(module, plan.model_copy(update={"rounding": "nearest"}))
    assert all(torch.equal(value, kept[name]) for name, value in module.state_dict().items())


def test_padding_does_not_count() -> None:
    torch.manual_seed(0)
    module, plan = Network(), Plan.named("w4-e8-a8")
    ids, mask = torch.randint(0, 60, (32, 6)), torch.ones(32, 6)
    ids[:, 4:], mask[:, 4:] = 7, 0
    padded, short = copy.deepcopy(module), copy.deepcopy(module)
    apply_gptq(padded, plan, {"ids": ids}, mask)
    apply_gptq(short, plan, {"ids": ids[:, :4]})
    pairs = zip(padded.parameters(), short.parameters(), strict=True)
    assert all(torch.equal(ours, theirs) for ours, theirs in pairs)


def test_what_cannot_be_followed() -> None:
    module = Network()
    with pytest.raises(RecipeError, match="speaks of a layer 'attention'"):
        plan = Plan.named("int8").with_layers({"attention": WeightFormat.parse("int4")})
        apply_gptq(module, plan, {"ids": torch.zeros(1, 2, dtype=torch.int64)})
    plan = Plan.named("w4-e8-a32").with_layers({"first": WeightFormat.parse("fp32")})
    module.first.weight.data[:] = 3e37
    with pytest.raises(RecipeError, match=r"inputs of the layer 'second' are not finite"):
        apply_gptq(module, plan, {"ids": torch.arange(20)[None]})
