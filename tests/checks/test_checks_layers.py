"""One weight changed in a saved file: exactly its layer is named, in each format and precision."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import pocketformer
from corrupting import Change, corrupt_coreml, corrupt_litert, corrupt_onnx, lively_classifier
from pocketformer import files
from pocketformer.checkpoint import load_classifier
from pocketformer.checks.bisection import Bisection
from pocketformer.checks.layers import LayerCurve, layer_errors
from pocketformer.checks.matching import best_matches
from pocketformer.checks.recording import changes, record
from pocketformer.program import Program, Shapes
from pocketformer.targets import target_named
from pocketformer.tokenizer import read_tokenizer

TEXT = "where is my lost card please"
SUFFIXES = {"litert": ".tflite", "onnx": ".onnx", "coreml": ".mlpackage"}
CORRUPT = {"litert": corrupt_litert, "onnx": corrupt_onnx, "coreml": corrupt_coreml}

BERT = (
    "encoder.embeddings.word_embeddings",
    "encoder.embeddings.LayerNorm",
    "encoder.encoder.layer.0.attention.self.query",
    "encoder.encoder.layer.0.attention.self.key",
    "encoder.encoder.layer.1.attention.self.value",
    "encoder.encoder.layer.1.attention.output.dense",
    "encoder.encoder.layer.0.attention.output.LayerNorm",
    "encoder.encoder.layer.0.intermediate.dense",
    "encoder.encoder.layer.1.output.dense",
    "encoder.encoder.layer.1.output.LayerNorm",
    "encoder.pooler.dense",
    "head.hidden",
    "head.output",
)
DISTILBERT = (
    "encoder.embeddings.word_embeddings",
    "encoder.transformer.layer.1.attention.q_lin",
    "encoder.transformer.layer.0.attention.k_lin",
    "encoder.transformer.layer.1.attention.out_lin",
    "encoder.transformer.layer.0.sa_layer_norm",
    "encoder.transformer.layer.0.ffn.lin1",
    "encoder.transformer.layer.1.ffn.lin2",
    "encoder.transformer.layer.0.output_layer_norm",
)
MOBILEBERT = (
    "encoder.embeddings.word_embeddings",
    "encoder.embeddings.embedding_transformation",
    "encoder.encoder.layer.0.bottleneck.input.dense",
    "encoder.encoder.layer.1.bottleneck.attention.dense",
    "encoder.encoder.layer.1.attention.self.query",
    "encoder.encoder.layer.0.attention.self.value",
    "encoder.encoder.layer.1.attention.output.dense",
    "encoder.encoder.layer.0.ffn.0.intermediate.dense",
    "encoder.encoder.layer.1.ffn.0.output.dense",
    "encoder.encoder.layer.0.output.bottleneck.dense",
)
ELECTRA = (
    "encoder.embeddings.word_embeddings",
    "encoder.embeddings_project",
    "encoder.encoder.layer.1.attention.self.key",
    "encoder.encoder.layer.0.attention.output.LayerNorm",
    "encoder.encoder.layer.1.intermediate.dense",
    "head.output",
)
LAYERS = {"bert": BERT, "distilbert": DISTILBERT, "mobilebert": MOBILEBERT, "electra": ELECTRA}
EACH = [
    pytest.param(name, layer, marks=() if name == "bert" else pytest.mark.exhaustive)
    for name, layers in LAYERS.items()
    for layer in layers
]


class Shop:
    """Lively checkpoints and their healthy files, each made once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._programs: dict[str, Program] = {}

    def checkpoint(self, model_type: str) -> Path:
        source = self._folder / model_type
        if not source.exists():
            lively_classifier(source, model_type, "pooler" if model_type == "bert" else "mean")
        return source

    def file(self, model_type: str, target: str, precision: str) -> Path:
        path = self._folder / f"{model_type}.{precision}{SUFFIXES[target]}"
        if not path.exists():
            source = str(self.checkpoint(model_type))
            if model_type not in self._programs:
                self._programs[model_type] = Program.from_checkpoint(source, Shapes((16,), 64))
            target_named(target).export(self._programs[model_type], precision, path)
        return path


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(tmp_path_factory.mktemp("layers"))


def one_weight(weight: np.ndarray, row: int) -> Change:
    def change(numbers: np.ndarray) -> np.ndarray:
        numbers = numbers.copy()
        numbers[row if numbers.ndim == 1 else (row, 5)] += 5 * np.abs(weight).max()
        return numbers

    return change


def curve_of(path: Path, source: Path) -> LayerCurve:
    return layer_errors(pocketformer.open(path), str(source), ["hello", TEXT])


def curve_of_broken(
    shop: Shop,
    tmp_path: Path,
    model_type: str,
    target: str,
    precision: str,
    layer: str,
    change: Change | None = None,
) -> LayerCurve:
    """Return the curve of a file with one weight of `layer` changed, or with `change` made to its weights."""
    source, healthy = shop.checkpoint(model_type), shop.file(model_type, target, precision)
    broken = tmp_path / healthy.name
    shutil.copytree(healthy, broken) if healthy.is_dir() else shutil.copy(healthy, broken)
    weight = load_classifier(source).get_submodule(layer).get_parameter("weight").detach().numpy()
    row = (
        read_tokenizer(source).encode(TEXT).ids[2] if "word_embeddings" in layer else min(3, len(weight) - 1)
    )
    CORRUPT[target](broken, weight, change or one_weight(weight, row))
    assert files.sha256(broken) != files.sha256(healthy)
    return curve_of(broken, source)


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_a_healthy_file_has_no_culprit(shop: Shop, precision: str) -> None:
    curve = curve_of(shop.file("bert", "litert", precision), shop.checkpoint("bert"))
    assert curve.culprit is None
    assert str(curve).startswith("No layer stands out: the error grows to")
    assert curve.rows[-1].error < {"fp32": 1e-5, "fp16": 5e-3, "int8": 0.15}[precision]


@pytest.mark.parametrize("layer", BERT)
def test_the_layer_of_a_changed_weight_is_named(shop: Shop, tmp_path: Path, layer: str) -> None:
    curve = curve_of_broken(shop, tmp_path, "bert", "litert", "fp32", layer)
    assert curve.culprit == layer
    assert curve.before < 1e-5 < 1e-3 < curve.after
    assert f"at {layer} (" in str(curve)
    assert str(curve).startswith("The error jumps from ")


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize(("model_type", "layer"), EACH)
def test_in_every_architecture(
    shop: Shop, tmp_path: Path, model_type: str, layer: str, precision: str
) -> None:
    assert curve_of_broken(shop, tmp_path, model_type, "litert", precision, layer).culprit == layer


@pytest.mark.slow
@pytest.mark.parametrize("target", ["onnx", "coreml"])
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize(("model_type", "layer"), EACH)
def test_in_the_other_formats(
    shop: Shop, tmp_path: Path, model_type: str, layer: str, precision: str, target: str
) -> None:
    assert curve_of_broken(shop, tmp_path, model_type, target, precision, layer).culprit == layer


@pytest.mark.parametrize(
    "layer",
    [
        "encoder.embeddings.word_embeddings",
        "encoder.encoder.layer.0.attention.self.query",
        "encoder.encoder.layer.1.attention.self.value",
        "encoder.encoder.layer.0.output.dense",
        "encoder.pooler.dense",
        "head.output",
    ],
)
def test_a_layer_of_turned_sign_is_named_in_a_file_of_int8_weights(
    shop: Shop, tmp_path: Path, layer: str
) -> None:
    """No single int8 weight can do harm: it stays within its channel's scale."""
    curve = curve_of_broken(shop, tmp_path, "bert", "litert", "int8", layer, lambda numbers: -numbers)
    assert curve.culprit == layer


def test_the_text_that_shows_the_error_is_chosen_and_rows_follow_the_model(
    shop: Shop, tmp_path: Path
) -> None:
    curve = curve_of_broken(shop, tmp_path, "bert", "litert", "fp32", "encoder.embeddings.word_embeddings")
    assert curve.text == TEXT  # the other one does not have the changed row
    assert curve.signature == "classify_16"
    names = [row.layer for row in curve.rows]
    assert set(names) <= {name for name, _ in load_classifier(shop.checkpoint("bert")).named_modules()}
    assert names.index("encoder.encoder.layer.0.attention.self.query") < names.index(
        "encoder.encoder.layer.0"
    )
    assert not any(row.type == "Dropout" for row in curve.rows)
    assert curve.leaves == tuple(row for row in curve.rows if row.is_leaf)


def test_what_comes_before_the_culprit_is_near_and_what_comes_after_is_not(
    shop: Shop, tmp_path: Path
) -> None:
    culprit = "encoder.encoder.layer.1.attention.output.dense"
    curve = curve_of_broken(shop, tmp_path, "bert", "litert", "fp32", culprit)
    place = [row.layer for row in curve.rows].index(culprit)
    assert all(row.error < 1e-5 for row in curve.rows[:place])
    assert all(row.error > 1e-3 for row in curve.rows[place:])
    assert curve.last_good is not None
    assert curve.last_good.startswith("encoder.encoder.layer.1.attention.self.")


def test_a_layer_that_only_enlarges_an_error_is_not_blamed() -> None:
    """The last layer's outputs are nearly equal, so that a small error before it is a large one after it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        model = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 3))
    with torch.no_grad():
        model[1].weight.copy_(model[1].weight[:1] + 1e-3 * model[1].weight)
    text = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))
    recording, noisy = (record(model, {"input": values}) for values in (text, text * 1.001 + 1e-3))
    states = model[0](text).detach() + 5e-7 * torch.randn(4, 8, generator=torch.Generator().manual_seed(1))
    tensors = [("states", states.numpy()), ("logits", model[1](states).detach().numpy())]
    arrays = {place: value.array for place, value in enumerate(recording.values)}
    matches = best_matches({place: one for place, one in arrays.items() if one is not None}, tensors, 4, 4)
    noise = changes(recording, noisy)
    assert Bisection(recording, matches, 1e-5, noise).step()["culprit"] is None
    assert Bisection(recording, matches, 1e-5, [0.0] * len(noise)).step()["culprit"] == "1"


def test_values_are_found_padded_transposed_joined_and_rescaled() -> None:
    draw = np.random.default_rng(0)
    heads = draw.normal(size=(1, 2, 5, 4)).astype(np.float32)  # [batch, heads, tokens, per head]
    padded = np.concatenate([heads, draw.normal(size=(1, 2, 3, 4)).astype(np.float32)], axis=2)
    tensors = [
        ("other", draw.normal(size=(1, 2, 8, 4)).astype(np.float32)),
        ("joined", padded.transpose(0, 2, 1, 3).reshape(8, 8) * np.float32(0.5)),
    ]
    found = best_matches({0: heads.transpose(0, 2, 1, 3).reshape(1, 5, 8)}, tensors, 8, 5, (1.0, 0.5))
    assert found[0].name == "joined"
    assert found[0].error < 1e-6
    (exact,) = best_matches({0: heads}, [("turned", padded.transpose(0, 1, 3, 2))], 8, 5).values()
    assert exact.error == 0


def test_values_that_do_not_vary_or_are_no_numbers_match_nothing() -> None:
    ones = np.ones((3, 4), np.float32)
    varied = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert best_matches({0: ones}, [("same", ones)], 3, 3) == {}
    assert best_matches({0: varied}, [("nan", varied * np.nan)], 3, 3) == {}
    assert best_matches({0: varied}, [("smaller", varied[:2])], 3, 3) == {}
