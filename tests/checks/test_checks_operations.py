"""The operations of a model are listed with their layers, from tracing alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from transformers import AutoConfig

from pocketformer.checkpoint import ARCHITECTURES, load_classifier
from pocketformer.checks.operations import (
    config_operations,
    id_operations,
    model_operations,
    text_operations,
)
from pocketformer.errors import ExportError, TokenizerError
from tiny import tiny_checkpoint, tiny_classifier


@pytest.mark.parametrize("model_type", ARCHITECTURES)
def test_every_operation_has_a_layer_of_the_checkpoint(tmp_path: Path, model_type: str) -> None:
    source = tiny_classifier(tmp_path / "model", model_type=model_type)
    found = id_operations(str(source))
    layers = {name for name, _ in load_classifier(source).named_modules()}
    assert {one.layer for one in found} <= layers
    assert len({one.name for one in found}) == len(found)
    assert all(one.name.startswith("aten.") and one.count >= 1 for one in found)


def test_counts_and_first_layers() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Sequential(nn.ReLU(), nn.Tanh())
            self.second = nn.ReLU()

        def forward(self, values: Tensor) -> Tensor:
            return self.second(self.first(values))

    found = model_operations(Twice().eval(), {"values": torch.zeros(1, 4)})
    assert [(one.name, one.layer, one.count) for one in found] == [
        ("aten.relu.default", "first.0", 2),
        ("aten.tanh.default", "first.1", 1),
    ]


def test_the_tokenizer_is_integers_and_gathers(tmp_path: Path) -> None:
    names = {one.name for one in text_operations(str(tiny_checkpoint(tmp_path / "model")))}
    assert "aten.cumsum.default" in names
    assert not any("softmax" in name for name in names)


def test_a_stranger_is_traced_from_its_config_alone(tmp_path: Path) -> None:
    config = AutoConfig.for_model("roberta", hidden_size=768, num_hidden_layers=12)  # no weights anywhere
    found = config_operations(tmp_path, config)
    assert next(one for one in found if one.name == "aten.native_layer_norm.default").count == 25


def test_what_torch_cannot_trace_is_a_sentence(tmp_path: Path) -> None:
    class Undecided(nn.Module):
        def forward(self, values: Tensor) -> Tensor:
            return values if values.sum() > 0 else -values

    with pytest.raises(ExportError, match=r"torch\.export cannot trace this Undecided: "):
        model_operations(Undecided(), {"values": torch.zeros(2)})
    with pytest.raises(ExportError, match=r"cannot trace this T5Model: You must specify"):
        config_operations(tmp_path, AutoConfig.for_model("t5", d_model=16, num_layers=1, num_heads=2))


def test_a_tokenizer_that_cannot_run_inside_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match="holds no tokenizer"):
        source = tiny_checkpoint(tmp_path / "model")
        for name in ("vocab.txt", "tokenizer.json"):
            (source / name).unlink(missing_ok=True)
        text_operations(str(source))
