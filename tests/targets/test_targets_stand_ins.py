"""Converting with numbers and noise in place of the weights gives what converting the weights does."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from pocketformer.plan import Plan
from pocketformer.program import Program, Shapes, Signature
from pocketformer.targets import litert
from pocketformer.targets.litert import convert
from pocketformer.targets.litert.filling import fill
from pocketformer.targets.litert.flatbuffer import read_model
from pocketformer.targets.litert.guards import guarded_inputs
from pocketformer.targets.litert.stand_ins import program_weights, standing_in
from tiny import tiny_classifier

LEAST = 512
SHAPES = Shapes(lengths=(16, 32), max_bytes=64)


def program(folder: Path, model_type: str = "bert") -> Program:
    checkpoint = tiny_classifier(folder / "checkpoint", model_type=model_type, head="two-layer")
    return Program.from_checkpoint(str(checkpoint), SHAPES).only("classify_16", "classify_32")


def filled(made: Program, path: Path, least_elements: int) -> Any:
    """Return the object tree of a file made with stand-ins."""
    with convert._single_gather(made), guarded_inputs(made), convert.without_chatter():
        places, free, _ = convert._convert(made, path, least_elements)
    assert len(places) == len(free)
    tree = read_model(path.read_bytes(), "filled")
    fill(tree, places, Plan.named("fp32"))
    return tree


def converted_whole(made: Program, path: Path) -> Any:
    with convert._single_gather(made), guarded_inputs(made), convert.without_chatter():
        convert._converted_signatures(made).export(str(path))
    return read_model(path.read_bytes(), "whole")


def assert_same(first: Any, second: Any) -> None:
    """Assert that two files have the same operations on the same numbers, to the last bit."""
    for one, other in zip(first.subgraphs, second.subgraphs, strict=True):
        assert [list(step.inputs) for step in one.operators] == [
            list(step.inputs) for step in other.operators
        ]
        for left, right in zip(one.tensors, other.tensors, strict=True):
            assert left.type == right.type
            data = [model.buffers[tensor.buffer].data for model, tensor in ((first, left), (second, right))]
            assert (data[0] is None) == (data[1] is None)
            assert data[0] is None or np.array_equal(data[0], data[1])


@pytest.mark.parametrize(
    ("model_type", "least_elements"),
    [
        pytest.param("bert", LEAST),
        pytest.param("bert", sys.maxsize, marks=pytest.mark.slow),
        *(pytest.param(name, LEAST, marks=pytest.mark.slow) for name in ("mobilebert", "electra")),
    ],
)
def test_the_file_is_the_same_to_the_bit(model_type: str, least_elements: int, tmp_path: Path) -> None:
    made = program(tmp_path, model_type)
    before = {name: value.clone() for name, value in made.signatures[0].module.state_dict().items()}
    lean = filled(made, tmp_path / "lean.tflite", least_elements)
    assert_same(lean, converted_whole(made, tmp_path / "whole.tflite"))
    after = made.signatures[0].module.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


class Scaled(nn.Module):
    """Two layers whose outputs are multiplied by constants, which the converter folds into their weights."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = nn.Linear(32, 32)
        self.plain = nn.Linear(32, 32)
        self.register_buffer("scale", torch.linspace(-2, 2, 32))

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"y": self.plain(self.rows(x) * self.get_buffer("scale"))}


@pytest.mark.parametrize("name", ["fp32", "w8-e8-a32", "int4"])
def test_a_factor_for_each_row_goes_into_the_weights_that_come_later(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = Scaled().eval()
    made = Program("module", (Signature("run", module, {"x": torch.zeros(1, 32)}),), (), {}, module)
    with convert._single_gather(made), guarded_inputs(made), convert.without_chatter():
        places, _, _ = convert._convert(
            made, tmp_path / "numbers.tflite", LEAST
        )  # numbers do not show it: noise
    assert [place.factor.shape for place in places] == [(32,), ()]
    nn.init.normal_(module.rows.weight)
    x = torch.randn(1, 32)
    with made.baked(Plan.named(name)):
        litert.export(made, name, tmp_path / "scaled.tflite")
        right = module(x)["y"].detach().numpy()
    found = litert.open(tmp_path / "scaled.tflite").run("run", {"x": x.numpy()})["y"]
    assert np.abs(found - right).max() <= (0.02 if name == "int4" else 1e-5) * np.abs(right).max()


def test_weights_come_back_when_the_conversion_fails(tmp_path: Path) -> None:
    made = program(tmp_path)
    module = made.signatures[0].module
    before = {name: value.clone() for name, value in module.state_dict().items()}
    with pytest.raises(KeyboardInterrupt), standing_in(program_weights(made, LEAST)) as kept:
        kept.release()
        raise KeyboardInterrupt
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())


def test_what_another_format_keeps_of_a_weight_stays_true(tmp_path: Path) -> None:
    made = program(tmp_path)
    kept = {name: value.detach() for name, value in made.signatures[0].module.named_parameters()}
    before = {name: value.clone() for name, value in kept.items()}
    with standing_in(program_weights(made, LEAST)) as numbers:
        numbers.release()
    assert all(torch.equal(before[name], value) for name, value in kept.items())
