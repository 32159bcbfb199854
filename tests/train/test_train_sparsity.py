"""Magnitude pruning: how many weights go, which ones, when; and that what is saved has true zeros."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from pocketformer.checkpoint import load_classifier, load_tokenizer, save_classifier
from pocketformer.errors import RecipeError
from pocketformer.plan import Plan
from pocketformer.plan.baking import bake
from pocketformer.train.constraints import (
    Constraint,
    Constraints,
    QuantizationAware,
    Sparsity,
    share_of_zeros,
)
from pocketformer.train.constraints.sparsity import cubic
from tiny import tiny_classifier


def network(seed: int = 0) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))


def zeros(part: nn.Module) -> int:
    weight = part.weight
    assert isinstance(weight, Tensor)
    return int((weight == 0).sum())


def train(module: nn.Module, constraint: Constraint, steps: Iterable[int], of: int) -> float:
    """Teach it which quarter of 16 numbers has the largest sum; return the share it gets right."""
    draw = torch.Generator().manual_seed(1)
    inputs = torch.randn(256, 16, generator=draw)
    targets = inputs.view(256, 4, 4).sum(dim=2).argmax(dim=1)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.5)
    for step in steps:
        constraint.advance(step / of)
        optimizer.zero_grad()
        F.cross_entropy(module(inputs), targets).backward()
        optimizer.step()
    with torch.inference_mode():
        return float((module(inputs).argmax(dim=1) == targets).float().mean())


def test_share_rises_fast_and_then_slowly_to_the_target() -> None:
    module, constraint = network(), Sparsity(0.75, begin=0.25, end=0.75, choices=2)
    constraint.attach(module)
    seen = []
    for done in (0.0, 0.24, 0.25, 0.5, 0.74, 0.75, 1.0):
        constraint.advance(done)
        seen.append((zeros(module[0]), zeros(module[2])))
    half = round(0.75 * cubic(0.5) * 512), round(0.75 * cubic(0.5) * 128)
    assert seen == [(0, 0)] * 3 + [half] * 2 + [(384, 96)] * 2
    assert half[0] > 384 * 0.8  # half way, more than half of it is there


def test_the_smallest_go_and_one_that_grows_comes_back() -> None:
    module, constraint = network(), Sparsity(0.5, end=1.0, choices=2)
    constraint.attach(module)
    stored = module[0].parametrizations.weight.original
    constraint.advance(0.5)
    gone = module[0].weight == 0
    assert stored.abs()[gone].max() <= stored.abs()[~gone].min()
    place = tuple(gone.nonzero()[0].tolist())
    with torch.no_grad():
        stored[place] = 9.0
    assert module[0].weight[place] == 0
    constraint.advance(1.0)
    assert module[0].weight[place] == 9.0


def test_masks_stay_when_the_schedule_is_done() -> None:
    module, constraint = network(), Sparsity(0.8, end=0.5)
    constraint.attach(module)
    train(module, constraint, range(30), 60)
    constraint.advance(0.5)
    masks = [module[place].weight != 0 for place in (0, 2)]
    train(module, constraint, range(31, 60), 60)
    assert all(
        torch.equal(module[place].weight != 0, mask) for place, mask in zip((0, 2), masks, strict=True)
    )


def test_a_sparse_network_learns_and_is_saved_with_true_zeros() -> None:
    module, constraint = network(), Sparsity(0.8)
    keys = set(module.state_dict())
    constraint.attach(module)
    accuracy = train(module, constraint, range(300), 300)
    assert accuracy > 0.8
    computed = module[0].weight.detach().clone()
    constraint.bake(module)
    assert set(module.state_dict()) == keys
    assert type(module[0]) is nn.Linear
    assert torch.equal(module[0].weight, computed)
    assert share_of_zeros(module) == pytest.approx(0.8, abs=1e-3)
    # Zeroing as much at once, after a training without masks, is worse: being gradual is what pays.
    dense, at_once = network(), Sparsity(0.8, end=1.0, choices=1)
    at_once.attach(dense)
    train(dense, at_once, range(300), 301)
    at_once.advance(1.0)
    assert train(dense, at_once, (), 1) < accuracy


def test_global_threshold_takes_more_where_weights_are_smaller() -> None:
    module, constraint = network(), Sparsity(0.5, scope="global")
    with torch.no_grad():
        module[2].weight.mul_(100)
    constraint.attach(module)
    constraint.advance(1.0)
    assert (zeros(module[0]), zeros(module[2])) == (320, 0)


def test_layers_of_their_own_target_and_embeddings_when_asked() -> None:
    module = nn.ModuleDict({"words": nn.Embedding(10, 8), "body": network(), "out": nn.Linear(4, 4)})
    constraint = Sparsity(0.5, scope="global", layers={"body": 0.25, "body.2": 0.75, "out": 0.0})
    with pytest.raises(RecipeError, match=r"layers it is for are body\.0, body\.2, out"):
        Sparsity(0.5, layers={"words": 0.5}).attach(module)
    constraint.attach(module)
    constraint.advance(1.0)
    body = module["body"]
    assert isinstance(body, nn.Sequential)
    assert (zeros(body[0]), zeros(body[2]), zeros(module["out"]), zeros(module["words"])) == (128, 96, 0, 0)
    words = Sparsity(0.5, kinds=("embedding",))
    words.attach(module)
    words.advance(1.0)
    assert zeros(module["words"]) == 40


def test_an_interrupted_training_goes_on_from_its_state() -> None:
    whole, constraint = network(), Sparsity(0.8)
    constraint.attach(whole)
    train(whole, constraint, range(60), 60)
    first, before = network(), Sparsity(0.8)
    before.attach(first)
    train(first, before, range(31), 60)
    second, after = network(seed=9), Sparsity(0.8)
    after.attach(second)
    second.load_state_dict(first.state_dict())
    train(second, after, range(31, 60), 60)
    assert all(torch.equal(value, second.state_dict()[name]) for name, value in whole.state_dict().items())


def test_sparsity_and_then_a_grid_keep_both() -> None:
    plan = Plan.named("int4")
    module, sparsity = network(), Sparsity(0.75)
    constraint = Constraints(sparsity, QuantizationAware(plan))
    constraint.attach(module)
    accuracy = train(module, constraint, range(300), 300)
    constraint.bake(module)
    assert accuracy > 0.8
    assert share_of_zeros(module) >= 0.75
    before = {name: value.clone() for name, value in module.state_dict().items()}
    bake(module, plan)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_classifier_is_saved_sparse_and_answers_as_in_training(tmp_path: Path) -> None:
    source = tiny_classifier(tmp_path / "c")
    model, constraint = load_classifier(source), Sparsity(0.9, layers={"head": 0.0})
    constraint.attach(model)
    constraint.advance(1.0)
    ids = torch.tensor([[2, 7, 9, 3]])
    with torch.inference_mode():
        expected = model(ids, torch.ones_like(ids)).logits
    constraint.bake(model)
    save_classifier(model, load_tokenizer(source), tmp_path / "sparse")
    loaded = load_classifier(tmp_path / "sparse")
    assert share_of_zeros(loaded.encoder) == pytest.approx(0.9, abs=1e-3)
    assert zeros(loaded.head.output) == 0
    with torch.inference_mode():
        assert torch.equal(loaded(ids, torch.ones_like(ids)).logits, expected)


@given(target=st.floats(0.01, 0.99), done=st.floats(0, 1), choices=st.integers(1, 60))
def test_zeros_are_as_many_as_the_schedule_says(target: float, done: float, choices: int) -> None:
    module, constraint = network(), Sparsity(target, begin=0.0, end=1.0, choices=choices)
    constraint.attach(module)
    constraint.advance(done)
    reached = int(done * choices + 1e-9) / choices
    assert zeros(module[0]) == round(target * cubic(reached) * 512)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"target": 1.0}, "'target' is 1.0; give a share from 0 to below 1"),
        ({"target": 0.5, "layers": {"head": -0.1}}, "'head' is -0.1"),
        ({"target": 0.5, "begin": 0.7}, "rise from 0.7 to 0.6"),
        ({"target": 0.5, "choices": 0}, "at least one step"),
    ],
)
def test_bad_numbers_are_refused(arguments: dict[str, float], sentence: str) -> None:
    with pytest.raises(RecipeError, match=sentence):
        Sparsity(**arguments)  # type: ignore[arg-type]


def test_nothing_to_prune_is_refused() -> None:
    with pytest.raises(RecipeError, match="none that is to have zeros"):
        Sparsity(0.5).attach(nn.Sequential(nn.ReLU()))
    with pytest.raises(RecipeError, match="none that is to have zeros"):
        Sparsity(0.0).attach(network())
