"""Plans: names that say what they are, files one can edit, weights baked once and for all."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from pocketformer.errors import RecipeError
from pocketformer.plan import Plan, WeightFormat, as_plan, bake, baked, planned_layers

_PLAN = """
weights = "int4-b32"
embedding = "int8"
activations = "float"

[layers]
"0" = "int8"
"2.output" = "fp16"
"""


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(20, 64)
        self.position_embeddings = nn.Embedding(8, 64)
        self.body = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 6))


@pytest.mark.parametrize(
    "name", ["fp32", "fp16", "int8", "int4", "int4-b32", "int2", "palette4", "palette6-g16", "int3"]
)
def test_the_name_of_a_format_is_what_it_is_read_from(name: str) -> None:
    stored = WeightFormat.parse(name)
    assert str(stored) == name
    assert WeightFormat.decode(stored.code) == stored


@pytest.mark.parametrize(
    "name", ["int9", "int1", "int4-g32", "palette5", "palette4-b3", "fp8", "fp16-b32", "x"]
)
def test_a_format_that_there_is_not_is_a_sentence(name: str) -> None:
    with pytest.raises(RecipeError, match=r"weight format|cannot be divided"):
        WeightFormat.parse(name)


def test_the_name_of_a_plan_is_decoded() -> None:
    plan = Plan.named("w4b32-e8-a8")
    assert (str(plan.weights), str(plan.embedding), plan.activations) == ("int4-b32", "int8", "int8")
    assert Plan.named("int8").weights == WeightFormat("integer", 8)
    assert Plan.named("wp4g16-e16-a32").weights == WeightFormat("palette", 4, 16)
    for name in ("w4", "w4-e4-a16", "w4g3-e4-a8", "int5x"):
        with pytest.raises(RecipeError):
            Plan.named(name)


def test_a_plan_file_is_read_edited_and_written_back(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(_PLAN)
    plan = as_plan(path)
    assert plan.name == "mine"
    assert str(plan.format_of("0", (8, 64))) == "int8"
    assert str(plan.format_of("0.inside", (8, 64))) == "int8"
    assert str(plan.format_of("01", (8, 64))) == "int4-b32"
    assert str(plan.format_of("2.output", (8, 64))) == "fp16"
    assert str(plan.format_of("words", (8, 64), is_embedding=True)) == "int8"
    for suffix in (".toml", ".json"):
        plan.save(tmp_path / f"again{suffix}")
        assert as_plan(str(tmp_path / f"again{suffix}")) == plan


@pytest.mark.parametrize(
    "text", ['weights = "int5-"\nembedding = "int8"', 'embedding = "int8"', "weights = ", 'name = "a/b"']
)
def test_a_plan_file_with_a_mistake_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=r"mine\.toml"):
        Plan.load(path)


def test_a_default_gives_way_where_it_does_not_divide() -> None:
    plan = Plan.named("w4b64-e4b64-a8")
    formats = {layer.name: str(layer.format) for layer in planned_layers(Small(), plan)}
    assert formats == {"word_embeddings": "int4-b64", "body.0": "int4-b64", "body.2": "int8"}


def test_baking_twice_changes_nothing_and_leaves_other_weights_alone() -> None:
    model = Small()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    bake(model, Plan.named("w4b32-e3-a8"))
    once = {name: value.clone() for name, value in model.state_dict().items()}
    bake(model, Plan.named("w4b32-e3-a8"))
    changed = {name for name, value in once.items() if not torch.equal(value, before[name])}
    assert changed == {"word_embeddings.weight", "body.0.weight", "body.2.weight"}
    assert all(torch.equal(value, once[name]) for name, value in model.state_dict().items())


def test_weights_are_baked_for_as_long_as_the_block_runs() -> None:
    model = Small()
    before = model.body[0].weight.detach().clone()
    with baked(model, Plan.named("int4")):
        assert not torch.equal(model.body[0].weight, before)
    assert torch.equal(model.body[0].weight, before)


def test_an_exception_for_no_layer_is_refused_and_nothing_changed() -> None:
    model = Small()
    before = model.body[0].weight.detach().clone()
    plan = Plan.named("int8").with_layers({"boddy": WeightFormat.parse("int4")}, "mine")
    with pytest.raises(RecipeError, match="'boddy', which the model does not have; it has such as body"):
        bake(model, plan)
    assert torch.equal(model.body[0].weight, before)


def test_weights_beyond_float16_are_refused_by_name() -> None:
    model = Small()
    with torch.no_grad():
        model.body[2].weight[0, 0] = 1e9
    with pytest.raises(RecipeError, match=r"'body\.2' has weights that int8 cannot hold"):
        bake(model, Plan.named("int8"))
