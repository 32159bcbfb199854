"""Before any conversion a person reads, in one table, all that stands in the way."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, models
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel

from pocketformer.checks.feasibility import Feasibility, check_checkpoint, check_operations
from pocketformer.checks.operations import model_operations
from pocketformer.targets.registry import targets
from tiny import tiny_checkpoint, tiny_classifier, write_vocabulary

LENGTHS = (16, 32)
_SIZES: dict[str, Any] = {
    "vocab_size": 144,
    "hidden_size": 32,
    "embedding_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
}


def details(found: Feasibility, ok: bool) -> dict[str, str]:
    return {finding.subject: finding.detail for finding in found.findings if finding.ok is ok}


def stranger(directory: Path, model_type: str) -> Path:
    """Save a checkpoint of an architecture that is not on the list."""
    directory.mkdir()
    AutoModel.from_config(AutoConfig.for_model(model_type, **_SIZES)).save_pretrained(directory)
    write_vocabulary(directory)
    return directory


@pytest.mark.parametrize("model_type", ["bert", "mobilebert", "distilbert", "electra"])
def test_a_good_classifier_can_be_written_by_every_target(tmp_path: Path, model_type: str) -> None:
    found = check_checkpoint(str(tiny_classifier(tmp_path / "model", model_type=model_type)), LENGTHS)
    assert details(found, ok=False) == {}
    assert found.possible == tuple(sorted(targets()))
    assert found.architecture == model_type
    assert details(found, ok=True)["head"] == "3 labels: card, money, other"
    assert len(found.operations) > 30


def test_it_says_so_in_seconds_and_writes_nothing(tmp_path: Path) -> None:
    source = tiny_classifier(tmp_path / "model")
    before = sorted(path for path in tmp_path.rglob("*"))
    start = time.process_time()
    check_checkpoint(str(source), LENGTHS)
    assert time.process_time() - start < 20
    assert sorted(path for path in tmp_path.rglob("*")) == before


def test_an_encoder_has_no_head_and_that_is_fine(tmp_path: Path) -> None:
    found = check_checkpoint(str(tiny_checkpoint(tmp_path / "encoder")), LENGTHS)
    assert details(found, ok=True)["head"] == "none: it is exported as an encoder"
    assert found.possible


@pytest.mark.parametrize("model_type", ["roberta", "convbert", "albert"])
def test_an_architecture_off_the_list_is_traced_all_the_same(tmp_path: Path, model_type: str) -> None:
    found = check_checkpoint(str(stranger(tmp_path / "model", model_type)), LENGTHS)
    assert found.architecture == model_type
    assert (
        f"the architecture '{model_type}', which is not supported" in details(found, ok=False)["architecture"]
    )
    assert {"weights", "tokenizer", "lengths", "model"} <= details(found, ok=True).keys()
    assert [one.target for one in found.targets] == sorted(targets())
    assert found.possible == ()


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    source = tiny_classifier(tmp_path / "model")
    (source / "model.safetensors").rename(source / "pytorch_model.bin")
    (source / "vocab.txt").unlink()
    unigram = Tokenizer(models.Unigram([("<unk>", 0.0), ("▁a", -1.0)], 0))
    unigram.save(str(source / "tokenizer.json"))
    wrong = details(check_checkpoint(str(source), (16, 512)), ok=False)
    assert "only pytorch_model.bin. That is a pickle" in wrong["weights"]
    assert "Unigram" in wrong["tokenizer"]
    assert "Length 512 exceeds the 64 positions" in wrong["lengths"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "is not readable JSON"),
        ("{}", "names no model_type"),
        ('{"model_type": "no-such-thing"}', "'no-such-thing', which is not supported"),
        ('{"model_type": "bert", "hidden_size": "wide"}', "is not a usable bert configuration"),
    ],
)
def test_a_broken_config_is_a_finding(tmp_path: Path, content: str, told: str) -> None:
    source = tiny_classifier(tmp_path / "model")
    (source / "config.json").write_text(content)
    found = check_checkpoint(str(source), LENGTHS)
    assert told in details(found, ok=False)["architecture"]
    assert found.possible == ()
    assert details(found, ok=True).keys() >= {"weights", "tokenizer"}


def test_contradicting_sizes_are_a_finding(tmp_path: Path) -> None:
    source = tiny_classifier(tmp_path / "model")
    config = json.loads((source / "config.json").read_text("utf-8"))
    (source / "config.json").write_text(json.dumps({**config, "num_attention_heads": 5}))
    assert not all(finding.ok for finding in check_checkpoint(str(source), LENGTHS).findings)


def test_no_checkpoint_at_all_is_a_finding(tmp_path: Path) -> None:
    found = check_checkpoint(str(tmp_path / "nothing"), LENGTHS)
    assert "does not exist" in details(found, ok=False)["checkpoint"]
    assert (found.targets, found.possible) == ((), ())


def test_an_operation_that_no_target_has_is_refused_with_its_layer() -> None:
    class Rotated(nn.Module):
        def forward(self, states: Tensor) -> Tensor:
            return torch.linalg.svd(states, full_matrices=False).U

    class Encoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.ModuleList([nn.Linear(4, 4), Rotated()])

        def forward(self, states: Tensor) -> Tensor:
            for layer in self.layer:
                states = layer(states)
            return states

    found = check_operations(model_operations(Encoder().eval(), {"states": torch.zeros(1, 4, 4)}))
    assert len(found) == len(targets())
    for target in found:
        assert not target.ok
        (refusal,) = target.refusals
        assert (refusal.operation.name, refusal.operation.layer) == ("aten._linalg_svd.default", "layer.1")
        assert "_linalg_svd" in refusal.reason
