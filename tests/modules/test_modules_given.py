"""Model files that somebody gave: quantised, held against themselves, timed, ours or not."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

import pocketformer
from pocketformer.bench import bench_arrays
from pocketformer.cli import main
from pocketformer.errors import InputError, RecipeError, VerificationError
from pocketformer.modules import compare_files, export, judge_file, quantize_file, samples_for
from pocketformer.targets import target_of
from pocketformer.targets.litert.flatbuffer import read_model
from tflite import save

ROWS, WIDTH = 300, 32
SUFFIXES = (".tflite", ".onnx")


class Tagger(nn.Module):
    """Ids to a score for each."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.table = nn.Embedding(ROWS, WIDTH)
        self.head = nn.Linear(WIDTH, 6)

    def forward(self, ids: Tensor) -> Tensor:
        return self.head(torch.relu(self.table(ids)))


def foreign_onnx(path: Path) -> Path:
    """A graph as others write them: opset 13, int64 ids, weights in Constant nodes, no names on nodes."""
    draw = np.random.default_rng(0)
    table = draw.standard_normal((ROWS, WIDTH)).astype(np.float32)
    first = draw.standard_normal((WIDTH, 64)).astype(np.float32) / 6
    second = draw.standard_normal((6, 64)).astype(np.float32) / 8
    nodes = [
        helper.make_node("Constant", [], ["first"], value=numpy_helper.from_array(first)),
        helper.make_node("Gather", ["table", "ids"], ["rows"]),
        helper.make_node("ReduceMean", ["rows"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("MatMul", ["mean", "first"], ["hidden"]),
        helper.make_node("Relu", ["hidden"], ["active"]),
        helper.make_node("Gemm", ["active", "second", "bias"], ["scores"], transB=1),
    ]
    graph = helper.make_graph(
        nodes, "theirs",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, [1, 9])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 6])],
        [
            numpy_helper.from_array(table, "table"), numpy_helper.from_array(second, "second"),
            numpy_helper.from_array(np.ones(6, np.float32), "bias"),
        ],
    )  # fmt: skip
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A foreign ONNX file; a TFLite file without our metadata, and one without signatures as well."""
    folder = tmp_path_factory.mktemp("originals")
    examples = {"ids": torch.arange(9, dtype=torch.int32)[None]}
    ours = export(Tagger(), examples, folder / "ours.tflite", plan="fp32").path
    model = read_model(ours.read_bytes(), "ours")
    model.metadata = None
    named = save(model, folder / "named.tflite")
    model.signatureDefs = None
    unnamed = save(model, folder / "unnamed.tflite")
    return {".onnx": foreign_onnx(folder / "theirs.onnx"), ".tflite": named, "unnamed": unnamed}


@pytest.mark.parametrize("which", [".onnx", ".tflite", "unnamed"])
def test_a_given_file_becomes_smaller_and_stays_what_it_is(
    originals: dict[str, Path], tmp_path: Path, which: str
) -> None:
    original = originals[which]
    made = quantize_file(original, tmp_path / f"small{original.suffix}", "int8")
    assert made.size_bytes < 0.5 * original.stat().st_size
    assert 0 < made.comparison.worst.relative_error < 0.03
    (before,), (after,) = target_of(original).describe(original).signatures, made.card.signatures
    assert after == before
    assert made.card.weight_bytes["int8"] >= ROWS * WIDTH
    assert made.card.metadata["precision"] == "int8"
    four = quantize_file(original, tmp_path / f"four{original.suffix}", "w4-e4-a8")
    assert four.size_bytes < made.size_bytes
    assert made.comparison.worst.relative_error < four.comparison.worst.relative_error < 0.3
    comparison, allowed = judge_file(made.path, original)
    assert comparison == made.comparison
    assert allowed == made.tolerance


@pytest.mark.parametrize("which", [".onnx", ".tflite", "unnamed"])
def test_random_ids_are_all_those_of_the_table(originals: dict[str, Path], which: str) -> None:
    samples = samples_for(originals[which], count=60)
    ids = np.concatenate([one for inputs in samples["serving_default"] for one in inputs.values()])
    assert 0 <= ids.min() < 10
    assert ROWS - 10 <= ids.max() < ROWS


def test_inputs_from_an_npz_in_every_arrangement(originals: dict[str, Path], tmp_path: Path) -> None:
    path, ids = originals[".tflite"], np.arange(45) % ROWS
    for shape in ((5, 9), (5, 1, 9)):
        np.savez(tmp_path / "given.npz", ids=ids.reshape(shape))
        samples = samples_for(path, tmp_path / "given.npz")["serving_default"]
        assert [one["ids"].tolist() for one in samples] == ids.reshape(5, 1, 9).tolist()
        assert samples[0]["ids"].dtype == np.int32
    np.savez(tmp_path / "other.npz", pixels=ids)
    with pytest.raises(InputError, match=r"holds pixels; .*named\.tflite takes serving_default: ids"):
        samples_for(path, tmp_path / "other.npz")
    np.savez(tmp_path / "wrong.npz", ids=np.ones((5, 8), np.int32))
    with pytest.raises(
        InputError, match=r"'ids' in .*wrong\.npz is int32 \[5, 8\]; the file takes int32 \[1, 9\]"
    ):
        samples_for(path, tmp_path / "wrong.npz")
    (tmp_path / "text.npz").write_text("no arrays")
    with pytest.raises(InputError, match=r"cannot be read as an \.npz"):
        samples_for(path, tmp_path / "text.npz")


def test_a_broken_file_is_caught_and_named(originals: dict[str, Path], tmp_path: Path) -> None:
    model = onnx.load(originals[".onnx"])
    (bias,) = (one for one in model.graph.initializer if one.name == "bias")
    bias.CopyFrom(numpy_helper.from_array(np.full(6, 3, np.float32), "bias"))
    onnx.save(model, tmp_path / "broken.onnx")
    comparison = compare_files(tmp_path / "broken.onnx", originals[".onnx"])
    assert comparison.worst.output == "scores"
    assert comparison.worst.max_error == pytest.approx(2, abs=1e-5)
    with pytest.raises(VerificationError, match=r"output 'scores' of 'serving_default'.*Real inputs"):
        quantize_file(originals[".onnx"], tmp_path / "close.onnx", "int8", tolerance=1e-6)
    assert not (tmp_path / "close.onnx").exists()
    assert (tmp_path / "close.onnx.rejected").exists()


def test_what_cannot_be_quantised_is_a_sentence(originals: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"give a \.tflite and another \.tflite"):
        quantize_file(originals[".onnx"], tmp_path / "other.tflite")
    with pytest.raises(RecipeError, match="'int9' is no plan"):
        quantize_file(originals[".onnx"], tmp_path / "other.onnx", "int9")


def test_files_of_two_formats_race_in_turns(originals: dict[str, Path]) -> None:
    paths = [originals[suffix] for suffix in SUFFIXES]
    result = bench_arrays(paths, lambda path: samples_for(path, count=1), rounds=3, threads=[1])
    assert [timing.contender for timing in result.timings] == ["named.tflite", "theirs.onnx"]
    assert all(timing.median_ms > 0 and timing.runs == 3 for timing in result.timings)
    assert [cost.size_bytes for cost in result.footprints] == [path.stat().st_size for path in paths]


def run(*arguments: object) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["pocketformer", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
    return int(stopped.value.code or 0)


def test_the_commands_as_typed(
    originals: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    original, small = originals["unnamed"], tmp_path / "small.tflite"
    assert run("quantize", original, "--plan", "int8", "-o", small) == 0
    printed = capsys.readouterr()
    assert "Wrote" in printed.out
    assert "zipped" in printed.out
    assert "pocketformer bench" in printed.err
    assert run("verify", small, "--against", original) == 0
    assert "% off, at most" in capsys.readouterr().out
    assert run("verify", small, "--against", original, "--tolerance", 1e-9) == 1
    assert "error: " in capsys.readouterr().err
    assert run("bench", original, small, "--rounds", 2, "--threads", 1, "--json") == 0
    assert len(json.loads(capsys.readouterr().out)["timings"]) == 2
    (card,) = pocketformer.open(small).card.signatures
    given = pocketformer.open(small)({card.inputs[0].name: np.ones((1, 9), np.int32)})
    assert given[card.outputs[0].name].shape == (1, 9, 6)
