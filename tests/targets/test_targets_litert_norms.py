"""Norms keep their gain to themselves: weights behind them are stored as planned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from pocketformer.plan import Plan
from pocketformer.program import Program, Shapes
from pocketformer.targets import target_named
from pocketformer.targets.litert.norms import separate_norms
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


def test_norms_are_what_they_were_afterwards(program: Program) -> None:
    with separate_norms(program):
        pass
    for signature in program.signatures:
        assert not any("forward" in vars(module) for module in signature.module.modules())
        assert any(isinstance(module, nn.LayerNorm | nn.Linear) for module in signature.module.modules())
