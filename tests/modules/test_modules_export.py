"""`pocketformer.export`: a plain network becomes a file that gives what PyTorch gives, or none at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import pocketformer
from pocketformer.errors import ExportError, InputError, VerificationError
from pocketformer.modules import compare_files, export_all
from pocketformer.modules.folding import fold_norms
from pocketformer.plan import Plan, bake
from pocketformer.targets import TensorCard

SUFFIXES = (".tflite", ".onnx", ".mlpackage")


class Bag(nn.Module):
    """Ids and their weights to logits and the best label of each id."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(50, 32)
        self.norm = nn.LayerNorm(32)
        self.head = nn.Linear(32, 5)

    def forward(self, ids: Tensor, weights: Tensor) -> dict[str, Tensor]:
        rows = self.norm(self.table(ids) * weights[..., None])
        logits = self.head(nn.functional.silu(rows))
        return {"logits": logits.mean(1), "best": logits.argmax(-1).to(torch.int32)}


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(32, 48), nn.ReLU(), nn.Linear(48, 10)).eval()


def image_network() -> nn.Sequential:
    torch.manual_seed(0)
    layers = [
        nn.Conv2d(1, 6, 3),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(150, 4),
    ]
    made = nn.Sequential(*layers)
    made(torch.randn(16, 1, 12, 12) * 3 + 1)  # the norm's statistics are not those of a new one
    return made.eval()


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("exported")
    torch.manual_seed(1)
    x = torch.randn(1, 32)
    files = export_all(network(), {"input": x}, folder, name="net", plan="int8", output_names=["logits"])
    return {one.path.suffix: one.path for one in files}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_is_called_by_the_names_of_its_inputs(exported: dict[str, Path], suffix: str) -> None:
    model = pocketformer.open(exported[suffix])
    (card,) = model.card.signatures
    assert card.inputs == (TensorCard("input", "float32", (1, 32)),)
    assert card.outputs == (TensorCard("logits", "float32", (1, 10)),)
    net, x = network(), torch.randn(1, 32)
    bake(net, Plan.named("int8"))
    expected = net(x).detach().numpy()
    for given in (model(input=x.numpy()), model({"input": x.numpy()})):
        assert np.linalg.norm(given["logits"] - expected) < 0.03 * np.linalg.norm(expected)
    with pytest.raises(InputError, match=r"was given image; its signatures are serving_default\(input\)"):
        model(image=x.numpy())
    with pytest.raises(InputError, match="holds no labels"):
        model("a text")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_integers_several_outputs_and_ids_out_of_range(tmp_path: Path, suffix: str) -> None:
    torch.manual_seed(2)
    module = Bag()
    examples = {"weights": torch.rand(1, 7), "ids": torch.arange(7, dtype=torch.int32)[None]}
    found = pocketformer.export(module, examples, tmp_path / f"bag{suffix}", plan="fp32", signature="score")
    assert found.error < 1e-5
    assert {one.output for one in found.comparison.outputs} == {"logits", "best"}
    assert module.training
    assert type(module.table) is nn.Embedding
    model = pocketformer.open(found.path)
    weights = np.ones((1, 7), np.float32)
    outside, last = (model(ids=np.full((1, 7), one, np.int32), weights=weights) for one in (999_999, 49))
    assert np.array_equal(outside["logits"], last["logits"])
    assert model.card.signatures[0].name == "score"


def test_files_of_two_formats_are_held_against_each_other(exported: dict[str, Path]) -> None:
    comparison = compare_files(exported[".tflite"], exported[".onnx"])
    assert 0 < comparison.worst.relative_error < 0.03
    assert str(comparison).startswith("The output 'logits' of 'serving_default' is ")


def test_the_weights_of_the_file_are_those_of_the_plan(tmp_path: Path) -> None:
    """float16 weights are exactly those that `bake` makes, a batch norm before them or not."""
    module, x = image_network(), torch.randn(1, 1, 12, 12)
    found = pocketformer.export(module, x, tmp_path / "image.tflite", plan="fp16")
    baked = fold_norms(image_network())
    bake(baked, Plan.named("fp16"))
    given = pocketformer.open(found.path)(input=x.numpy())["output"]
    assert given == pytest.approx(baked(x).detach().numpy(), abs=1e-5)
    assert isinstance(module[1], nn.BatchNorm2d)
    assert module(x).detach().numpy() == pytest.approx(given, abs=0.02)


def test_smaller_plans_make_smaller_files(tmp_path: Path) -> None:
    x = torch.randn(1, 32)
    sizes = [
        pocketformer.export(network(), x, tmp_path / f"{plan}.tflite", plan=plan).size_bytes
        for plan in ("fp32", "fp16", "int8")
    ]
    assert sizes == sorted(sizes, reverse=True)


def test_a_file_that_misses_is_not_delivered(tmp_path: Path) -> None:
    path = tmp_path / "net.tflite"
    with pytest.raises(VerificationError, match=r"'output' of 'serving_default' is 0\.\d+% off.*rejected"):
        pocketformer.export(network(), torch.randn(1, 32), path, plan="int8", tolerance=1e-7)
    assert not path.exists()
    assert (tmp_path / "net.tflite.rejected").exists()


def test_what_does_not_fit_is_a_sentence(tmp_path: Path) -> None:
    path, net = tmp_path / "net.tflite", network()
    with pytest.raises(ExportError, match=r"'input' is torch\.int64; give a float32 tensor, or int32"):
        pocketformer.export(net, torch.ones(1, 32, dtype=torch.int64), path)
    with pytest.raises(ExportError, match=r"does not run on the examples \(input \[1, 31\]\)"):
        pocketformer.export(net, torch.ones(1, 31), path)
    with pytest.raises(ExportError, match="2 example inputs were given for the names input"):
        pocketformer.export(net, (torch.ones(1, 32), torch.ones(1)), path)
    with pytest.raises(ExportError, match="'an input' cannot be a name in a file"):
        pocketformer.export(net, torch.ones(1, 32), path, input_names=["an input"])
    with pytest.raises(ExportError, match="gives 1 outputs; 2 names were given"):
        pocketformer.export(net, torch.ones(1, 32), path, output_names=["a", "b"])
    assert not list(tmp_path.iterdir())
