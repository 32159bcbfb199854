"""Clustered weights in a plain loop: few values, the better for training, found again by a plan."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from pocketformer.errors import RecipeError
from pocketformer.plan import Plan, bake, encode
from pocketformer.plan.formats import WeightFormat
from pocketformer.train.constraints import Clusters, Constraint, Constraints, Sparsity, share_of_zeros

STEPS = 120


def data() -> tuple[Tensor, Tensor]:
    """Return points of sixteen classes that no straight line tells apart."""
    torch.manual_seed(5)
    centres = torch.randn(32, 8)
    points = centres.repeat(20, 1) + 0.35 * torch.randn(640, 8)
    return points, torch.arange(32).repeat(20) % 16


def network() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(8, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 16))


def train(module: nn.Module, constraint: Constraint | None = None, steps: range = range(STEPS)) -> None:
    points, targets = data()
    optimizer = torch.optim.Adam(module.parameters(), lr=5e-3)
    for step in steps:
        if constraint is not None:
            constraint.advance(step / STEPS)
        loss = F.cross_entropy(module(points), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def accuracy(module: nn.Module) -> float:
    points, targets = data()
    with torch.inference_mode():
        return float((module(points).argmax(-1) == targets).float().mean())


@pytest.fixture(scope="module")
def trained() -> nn.Sequential:
    module = network()
    train(module)
    assert accuracy(module) > 0.97
    return module


def weights(module: nn.Module) -> list[Tensor]:
    return [part.weight.detach().clone() for part in module.modules() if isinstance(part, nn.Linear)]


def test_tuning_brings_back_what_clustering_costs(trained: nn.Sequential) -> None:
    plain, tuned = copy.deepcopy(trained), copy.deepcopy(trained)
    clusters = Clusters(4)
    clusters.attach(plain)
    clusters.bake(plain)
    clusters.attach(tuned)
    train(tuned, clusters)
    clusters.bake(tuned)
    assert accuracy(plain) < accuracy(trained) - 0.05
    assert accuracy(tuned) > accuracy(trained) - 0.02


def test_baked_weights_are_ordinary_and_a_plan_finds_their_values_again(trained: nn.Sequential) -> None:
    module, clusters = copy.deepcopy(trained), Clusters(8)
    clusters.attach(module)
    train(module, clusters)
    points, _ = data()
    with torch.inference_mode():
        during = module(points)
    clusters.bake(module)
    assert [name for name, _ in module.named_parameters()] == [
        name for name, _ in network().named_parameters()
    ]
    with torch.inference_mode():
        assert torch.equal(module(points), during)
    before = weights(module)
    bake(module, Plan.named("wp3-ep3-a32"))
    for weight, again in zip(before, weights(module), strict=True):
        assert torch.equal(weight, again)
        found = encode(weight, WeightFormat.parse("palette3")).scales.unique()
        assert torch.equal(found, weight.unique())
        assert len(found) <= 8
    clusters.attach(module)
    clusters.bake(module)
    assert all(torch.equal(one, two) for one, two in zip(before, weights(module), strict=True))


def test_values_get_the_sum_of_their_members_gradients() -> None:
    layer = nn.Linear(6, 4, bias=False)
    clusters = Clusters(3, freeze=0.5)
    clusters.attach(layer)
    values = layer.parametrizations["weight"][0].values
    latent = layer.parametrizations["weight"].original
    factors = torch.randn(4, 6)
    (layer.weight * factors).sum().backward()
    used = layer.weight.detach()
    for value, gradient in zip(values[0], values.grad[0], strict=True):
        assert float(gradient) == pytest.approx(float(factors[used == value.half().float()].sum()), abs=1e-5)
    assert torch.equal(latent.grad, factors)  # straight through, until places are frozen
    clusters.advance(0.5)
    latent.grad = None
    (layer.weight * factors).sum().backward()
    assert not latent.grad.any()


def test_places_stay_once_they_are_frozen() -> None:
    layer = nn.Linear(16, 16)
    clusters = Clusters(4, freeze=0.2)
    clusters.attach(layer)
    clusters.advance(0.3)
    places = layer.parametrizations["weight"][0].places.clone()
    with torch.no_grad():
        layer.parametrizations["weight"].original.neg_()
    clusters.advance(0.9)
    assert torch.equal(layer.parametrizations["weight"][0].places, places)


def test_groups_of_rows_have_tables_of_their_own(trained: nn.Sequential) -> None:
    module, clusters = copy.deepcopy(trained), Clusters(4, group=16)
    clusters.attach(module)
    train(module, clusters, range(20))
    clusters.bake(module)
    for weight in weights(module):
        groups = weight.reshape(len(weight) // 16, -1)
        assert all(len(group.unique()) <= 4 for group in groups)
        assert len(groups) == 1 or len(weight.unique()) > 4
    before = weights(module)
    bake(module, Plan.named("wp2g16-ep2-a32"))
    assert all(torch.equal(one, two) for one, two in zip(before, weights(module), strict=True))


def test_zeros_of_pruning_stay(trained: nn.Sequential) -> None:
    module = copy.deepcopy(trained)
    both = Constraints(Sparsity(0.6, end=0.4), Clusters(8, zeros=True, freeze=0.7))
    both.attach(module)
    train(module, both)
    both.bake(module)
    assert share_of_zeros(module) == pytest.approx(0.6, abs=0.01)
    assert all(len(weight.unique()) <= 8 for weight in weights(module))
    assert accuracy(module) > accuracy(trained) - 0.05


def test_a_training_that_was_interrupted_ends_with_the_same_weights(trained: nn.Sequential) -> None:
    def halves(interrupted: bool) -> list[Tensor]:
        module, clusters = copy.deepcopy(trained), Clusters(4)
        clusters.attach(module)
        train(module, clusters, range(60))
        if interrupted:
            state = module.state_dict()
            module, clusters = network(), Clusters(4)
            clusters.attach(module)
            module.load_state_dict(state)
        train(module, clusters, range(60, STEPS))
        clusters.bake(module)
        return weights(module)

    assert all(torch.equal(one, two) for one, two in zip(halves(True), halves(False), strict=True))


def test_layers_have_sizes_of_their_own(trained: nn.Sequential) -> None:
    module, clusters = copy.deepcopy(trained), Clusters(2, layers={"0": 0, "2": 16})
    clusters.attach(module)
    clusters.bake(module)
    first, second, third = weights(module)
    assert torch.equal(first, weights(trained)[0])
    assert (len(second.unique()), len(third.unique())) == (16, 2)


@settings(max_examples=25)
@given(size=st.integers(2, 256), seed=st.integers(0, 99), zeros=st.booleans())
def test_no_more_values_than_asked_for(size: int, seed: int, zeros: bool) -> None:
    torch.manual_seed(seed)
    layer = nn.Linear(24, 32)
    with torch.no_grad():
        layer.weight[torch.rand_like(layer.weight) < 0.3] = 0
    clusters = Clusters(size, zeros=zeros)
    clusters.attach(layer)
    clusters.bake(layer)
    assert len(layer.weight.unique()) <= size
    assert torch.equal(layer.weight, layer.weight.half().float())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 1}, r"Clusters of 1 values were asked for; give 2 to 256"),
        ({"size": 4, "layers": {"2": 300}}, r"Clusters of 300 values were asked for in '2'"),
        ({"size": 4, "freeze": 2.0}, r"frozen at 2\.0 of the training, .* a share from 0 to 1"),
        ({"size": 4, "layers": {"7": 4}}, r"for a layer '7', but the layers it is for are 0, 2, 4"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        Clusters(**arguments).attach(network())  # type: ignore[arg-type]  # deliberately wrong
    broken = network()
    with torch.no_grad():
        broken[2].weight[0, 0] = float("nan")
    with pytest.raises(RecipeError, match="'2' has weights that are not finite"):
        Clusters(4).attach(broken)
