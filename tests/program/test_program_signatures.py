"""The program, still in PyTorch: each signature of each architecture gives what transformers gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from pocketformer.checkpoint import ARCHITECTURES, load_classifier, load_encoder, load_tokenizer
from pocketformer.checks import Reference
from pocketformer.errors import ExportError
from pocketformer.program import MASKED_SCORE, Program, Shapes
from pocketformer.tokenizer import encode_text
from tiny import tiny_checkpoint, tiny_classifier

SHAPES = Shapes((8, 32), 96)
TEXTS = ["my card is lost", "hello world café naïve 中文", ""]


def signature(program: Program, name: str) -> torch.nn.Module:
    return next(one.module for one in program.signatures if one.name == name)


def run_text(program: Program, name: str, text: str) -> dict[str, torch.Tensor]:
    with torch.inference_mode():
        outputs: dict[str, torch.Tensor] = signature(program, name)(torch.from_numpy(encode_text(text, 96)))
    return outputs


@pytest.mark.parametrize("model_type", sorted(ARCHITECTURES))
def test_classify_equals_the_checkpoint(model_type: str, tmp_path: Path) -> None:
    source = tiny_classifier(tmp_path / "c", model_type=model_type, labels=("a", "b", "c"))
    program = Program.from_checkpoint(str(source), SHAPES)
    reference = Reference(str(source), 96, 32).run(TEXTS)
    for row, text in enumerate(TEXTS):
        outputs = run_text(program, "classify", text)
        assert np.abs(outputs["logits"][0].numpy() - reference.logits[row]).max() < 1e-5
        assert np.abs(outputs["scores"][0].numpy() - reference.scores[row]).max() < 1e-5


@pytest.mark.parametrize("model_type", sorted(ARCHITECTURES))
def test_encode_equals_the_checkpoint(model_type: str, tmp_path: Path) -> None:
    source = tiny_checkpoint(tmp_path / "e", model_type)
    program = Program.from_checkpoint(str(source), SHAPES)
    assert program.kind == "encoder"
    encoder, tokenizer = load_encoder(source), load_tokenizer(source)
    for text in TEXTS:
        outputs = run_text(program, "encode", text)
        encoded = tokenizer(text, return_tensors="pt")
        with torch.inference_mode():
            if not ARCHITECTURES[model_type].takes_token_types:
                encoded.pop("token_type_ids", None)
            expected = encoder(**encoded)
        states = expected.last_hidden_state[0]
        assert (outputs["last_hidden_state"][0, : len(states)] - states).abs().max() < 1e-5
        if getattr(expected, "pooler_output", None) is not None:
            assert (outputs["pooler_output"] - expected.pooler_output).abs().max() < 1e-5


def test_multi_label_scores_are_sigmoids(tmp_path: Path) -> None:
    source = tiny_classifier(tmp_path / "c", labels=("a", "b"), multi_label=True)
    outputs = run_text(Program.from_checkpoint(str(source), SHAPES), "classify", TEXTS[0])
    assert torch.allclose(outputs["scores"], torch.sigmoid(outputs["logits"]))


def test_signatures_are_named_by_their_sizes(tmp_path: Path) -> None:
    source = str(tiny_checkpoint(tmp_path / "e"))
    names = [one.name for one in Program.from_checkpoint(source, Shapes((8, 32), 1024)).signatures]
    assert names == [
        "encode",
        "tokenize",
        "tokenize_128_bytes",
        "encode_8",
        "encode_32",
        "serving_default",
    ]


def test_all_signatures_share_one_set_of_weights(tmp_path: Path) -> None:
    program = Program.from_checkpoint(str(tiny_classifier(tmp_path / "c")), SHAPES)
    weights = {
        id(parameter)
        for one in program.signatures
        for name, parameter in one.module.named_parameters()
        if name.endswith("word_embeddings.weight")
    }
    assert len(weights) == 1


def test_no_id_reads_outside_a_table(tmp_path: Path) -> None:
    program = Program.from_checkpoint(str(tiny_classifier(tmp_path / "c")), SHAPES)
    extreme = torch.tensor([[-(2**31), -1, 0, 5, 10**6, 2**31 - 1, 3, 4]], dtype=torch.int32)
    with torch.inference_mode():
        wild = signature(program, "classify_8")(extreme, extreme, extreme)["logits"]
        rows = load_classifier(str(tmp_path / "c")).encoder.config.vocab_size
        tame = signature(program, "classify_8")(
            extreme.clamp(0, rows - 1), extreme.clamp(0, 1), extreme.clamp(0, 1)
        )["logits"]
    assert torch.equal(wild, tame)


def test_masks_are_finite_in_float16(tmp_path: Path) -> None:
    assert np.isfinite(np.float16(MASKED_SCORE))
    program = Program.from_checkpoint(str(tiny_classifier(tmp_path / "c")), SHAPES)
    module = signature(program, "classify_8").half()
    zeros = torch.zeros(1, 8, dtype=torch.int32)
    with torch.inference_mode():
        for mask in (zeros, zeros + 1):
            assert torch.isfinite(module(zeros, mask, zeros)["logits"]).all()


@pytest.mark.parametrize(
    ("shapes", "sentence"),
    [
        (Shapes((32, 8)), r"\[32, 8\] cannot be exported"),
        (Shapes((2, 8)), "at least 4"),
        (Shapes((8, 512)), "exceeds the 64 positions"),
        (Shapes((8, 32), 16), "max_bytes 16 is less than the 32 tokens"),
    ],
)
def test_shapes_that_cannot_be(shapes: Shapes, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=sentence):
        Program.from_checkpoint(str(tiny_checkpoint(tmp_path / "e")), shapes)
