"""Norms keep their gain to themselves: weights behind them are stored as planned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from pocketformer.plan import Plan
from pocketformer.plan.activations import simulated
from pocketformer.program import Program, Shapes, Signature
from pocketformer.targets import target_named
from pocketformer.targets.litert.guards import guarded_inputs
from tiny import tiny_classifier


@pytest.fixture(scope="module", params=["bert", "mobilebert"])
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Return a program whose norms have a gain and a bias of their own, as those of trained models do."""
    source = tiny_classifier(tmp_path_factory.mktemp("norms") / "source", model_type=request.param)
    made = Program.from_checkpoint(str(source), Shapes((16,), 64)).only("classify_16")
    assert made.model is not None
    generator = torch.Generator().manual_seed(0)
    for name, parameter in made.model.named_parameters():
        if "norm" in name.lower():
            with torch.no_grad():
                parameter.add_(torch.rand(parameter.shape, generator=generator))
    return made


def test_every_matrix_is_stored_as_planned_and_the_file_is_the_baked_model(
    program: Program, tmp_path: Path
) -> None:
    plan = Plan.named("w4-e8-a32")
    litert, path = target_named("litert"), tmp_path / "norms.tflite"
    with program.baked(plan):
        litert.export(program, plan, path)
        signature = program.signatures[0]
        inputs = {name: torch.ones_like(value) for name, value in signature.inputs.items()}
        inputs["input_ids"] = torch.arange(16, dtype=torch.int32)[None]
        with torch.inference_mode():
            expected = signature.module(**inputs)["logits"].numpy()
    formats = {card.layer: card.format for card in litert.describe(path).weights}
    assert formats["encoder.encoder.layer.0.attention.self.query"] == "int4"
    assert set(formats.values()) <= {"int4", "int8"}
    given = {name: value.numpy() for name, value in inputs.items()}
    found = litert.open(path).run("classify_16", given)["logits"]
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


def test_layers_are_what_they_were_afterwards(program: Program) -> None:
    with guarded_inputs(program):
        assert any(module._forward_pre_hooks for module in program.signatures[0].module.modules())
    assert not any(module._forward_pre_hooks for module in program.signatures[0].module.modules())


class Standardised(nn.Module):
    """Numbers that are shifted and scaled before a layer reads them, in a size that stays broadcast."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(384)
        self.wide = nn.Linear(384, 384)
        self.narrow = nn.Linear(384, 5)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"y": self.narrow((torch.relu(self.wide(self.norm(x))) - 0.5) * 3)}


@pytest.mark.parametrize("name", ["fp32", "w8-e8-a32", "int8", "int4"])
def test_what_is_done_to_an_input_stays_out_of_weights_that_come_later(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = Standardised().eval()
    nn.init.normal_(module.norm.weight)
    nn.init.normal_(module.norm.bias)
    x = torch.randn(1, 32, 384)
    made = Program("module", (Signature("run", module, {"x": x}),), (), {}, module)
    litert, plan = target_named("litert"), Plan.named(name)
    with made.baked(plan), torch.inference_mode(), simulated(module, plan):
        right = module(x)["y"].numpy()
    with made.baked(plan):
        litert.export(made, plan, tmp_path / "model.tflite")
    session = litert.open(tmp_path / "model.tflite")
    assert "MAXIMUM" not in {operation.name for operation in session.card.operations}
    found = session.run("run", {"x": x.numpy()})["y"]
    # A sum rounded otherwise puts some activation on the next of 256 steps.
    assert np.abs(found - right).max() < (1e-5 if plan.activations == "float" else 1e-3) * np.abs(right).max()
