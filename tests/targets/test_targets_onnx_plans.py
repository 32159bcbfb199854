"""Plans in ONNX files: what the file computes is what the checkpoint with the plan's weights computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from pocketformer.errors import ExportError
from pocketformer.modules import program_of
from pocketformer.plan import Plan, WeightFormat, baked, planned_layers
from pocketformer.program import Program, Shapes
from pocketformer.targets import NO_OPTIONS, Arrays, ExportOptions, FileCard
from pocketformer.targets import onnx as target
from pocketformer.targets.onnx import storage
from tiny import tiny_classifier

IDS = {
    "input_ids": torch.tensor([[2, 9, 30, 44, 12, 60, 3]], dtype=torch.int32),
    "attention_mask": torch.ones(1, 7, dtype=torch.int32),
    "token_type_ids": torch.zeros(1, 7, dtype=torch.int32),
}
EXACT = 1e-5


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    folder = tmp_path_factory.mktemp("plans")
    source = tiny_classifier(folder / "c", hidden_size=64, intermediate_size=96, head="two-layer")
    return Program.from_checkpoint(str(source), Shapes((8, 16), 128)).only("classify_8")


def error_of(program: Program, plan: Plan, path: Path, options: ExportOptions = NO_OPTIONS) -> float:
    """Export a program on the plan's grid; return the relative error of its logits."""
    (signature,) = program.signatures
    with program.baked(plan), torch.no_grad():
        target.export(program, plan, path, options)
        expected = signature.module(**IDS)["logits"].numpy()
    found = target.open(path).run("classify_ids", {name: ids.numpy() for name, ids in IDS.items()})["logits"]
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def formats_of(card: FileCard) -> dict[str, str]:
    return {weight.layer: weight.format for weight in card.weights}


@pytest.mark.parametrize(
    "name",
    [
        "fp16", "w8-e8-a32", "w8b32-e8b16-a32", "w4-e4-a32", "w4b32-e4b32-a32", "w2-e2-a32", "w3b16-e3-a32",
        "w6-e5-a32", "wp4-ep4-a32", "wp2g16-ep3g16-a32", "wp8-ep1-a32",
    ],
)  # fmt: skip
def test_float_activations_equal_the_planned_checkpoint(name: str, program: Program, tmp_path: Path) -> None:
    """In opset 17 all of them, and each layer in the very format that was planned."""
    plan, path = Plan.named(name), tmp_path / "m.onnx"
    assert error_of(program, plan, path, ExportOptions("17")) <= EXACT
    card = target.describe(path)
    found = formats_of(card)
    assert program.model is not None
    expected = {one.name: str(one.format) for one in planned_layers(program.model, plan)}
    assert {layer: found[layer] for layer in expected if layer in found} == {
        layer: form for layer, form in expected.items() if "pooler" not in layer
    }
    assert found["encoder.embeddings.position_embeddings"] == "fp32"
    assert card.runtime.stated == "opset 17"
    assert card.foreign_operations == ()
    assert Plan(**card.metadata["plan"]) == plan


@pytest.mark.parametrize("name", ["int8", "w4-e4-a8", "w2-e2-a8", "w5-e8-a8", "int4", "w8b32-e8-a8"])
def test_dynamic_activations_are_near_it(name: str, program: Program, tmp_path: Path) -> None:
    plan, path = Plan.named(name), tmp_path / "m.onnx"
    assert error_of(program, plan, path) <= 0.05
    found = formats_of(target.describe(path))
    assert found["encoder.encoder.layer.1.output.dense"] == str(plan.weights)
    assert found["encoder.embeddings.word_embeddings"] == str(plan.embedding)


def test_a_processor_that_saturates_gets_fewer_steps(program: Program, tmp_path: Path) -> None:
    """The file tries it out; here the result that it expects is made another."""
    plan, path = Plan.named("int8"), tmp_path / "m.onnx"
    error = error_of(program, plan, path)
    ids = {name: value.numpy() for name, value in IDS.items()}
    before = target.open(path).run("classify_ids", ids)["logits"]
    model = onnx.load(path)
    (total,) = [one for one in model.graph.initializer if one.name == "int8/tried_total"]
    assert onnx.numpy_helper.to_array(total) == 8 * 255 * 127
    total.CopyFrom(onnx.numpy_helper.from_array(np.int32(4 * 32767), total.name))
    onnx.save(model, path)
    after = target.open(path).run("classify_ids", ids)["logits"]
    assert not np.array_equal(after, before)
    assert np.abs(after - before).max() <= 3 * max(error, 0.01) * np.abs(before).max()


def test_bytes_are_those_of_the_format(program: Program, tmp_path: Path) -> None:
    for name in ("w2-e2-a8", "w4b32-e4b32-a32", "wp4g16-ep4-a32", "int4"):
        plan = Plan.named(name)
        with program.baked(plan):
            target.export(program, plan, tmp_path / "m.onnx")
        cards = {card.layer: card for card in target.describe(tmp_path / "m.onnx").weights}
        assert program.model is not None
        for layer in planned_layers(program.model, plan):
            if layer.name in cards:
                assert cards[layer.name].bytes == layer.format.stored_bytes(layer.shape), layer


def test_each_layer_has_its_own_format(program: Program, tmp_path: Path) -> None:
    layers = {
        "encoder.embeddings.word_embeddings": "int2-b16",
        "encoder.encoder.layer.0": "fp32",
        "encoder.encoder.layer.0.attention.self": "int8",
        "encoder.encoder.layer.1.intermediate": "palette4-g16",
        "head.output": "fp16",
    }
    formats = {layer: WeightFormat.parse(name) for layer, name in layers.items()}
    mixed = Plan.named("w4-e8-a32").with_layers(formats, "mixed")
    assert error_of(program, mixed, tmp_path / "m.onnx") <= EXACT
    found = formats_of(target.describe(tmp_path / "m.onnx"))
    assert found["encoder.embeddings.word_embeddings"] == "int2-b16"
    assert found["encoder.encoder.layer.0.output.dense"] == "fp32"
    assert found["encoder.encoder.layer.0.attention.self.key"] == "int8"
    assert found["encoder.encoder.layer.1.intermediate.dense"] == "palette4-g16"
    assert found["encoder.encoder.layer.1.output.dense"] == "int4"
    assert found["head.output"] == "fp16"
    dynamic = mixed.model_copy(update={"activations": "int8"})
    assert error_of(program, dynamic, tmp_path / "m.onnx") <= 0.05
    assert formats_of(target.describe(tmp_path / "m.onnx")) == found


def test_what_does_not_divide_is_refused_by_name(program: Program, tmp_path: Path) -> None:
    plan = Plan.named("w4-e8-a8").with_layers({"head.output": WeightFormat.parse("palette4-g2")})
    assert program.model is not None
    sentence = (
        "ONNX cannot store the layer 'head.output' [3, 64] as palette4-g2: it does not divide into groups"
    )
    (reason,) = target.unrealizable(plan, planned_layers(program.model, plan))
    assert reason.startswith(sentence)
    with pytest.raises(ExportError, match=r"the layer 'head\.output' \[3, 64\] as palette4-g2"):
        target.export(program, plan, tmp_path / "m.onnx")
    assert target.unrealizable(Plan.named("wp1-e3-a8"), planned_layers(program.model, plan)) == (reason,)
    assert list(tmp_path.iterdir()) == []


def test_a_file_unlike_its_plan_is_not_written(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The formats are read back from the written bytes."""
    stored = storage.packed
    monkeypatch.setattr(storage, "packed", lambda numbers, bits: stored(numbers, max(bits, 4)))
    with pytest.raises(ExportError, match=r"layer '.*' was planned as int3, and the file holds int4"):
        target.export(program, "w3-e8-a32", tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []


class Net(nn.Module):
    """Convolutions; a table shared with a product; a product right behind another; batches of sequences."""

    def __init__(self, *, has_norm: bool = False) -> None:
        super().__init__()
        self.table = nn.Embedding(10, 8)
        self.along = nn.Conv1d(8, 8, 3, padding=1)
        self.image = nn.Conv2d(1, 8, 3)
        self.norm = nn.BatchNorm2d(8) if has_norm else nn.Identity()
        self.mix = nn.Linear(8, 16)
        self.out = nn.Linear(16, 8, bias=False)
        self.words = nn.Linear(8, 10, bias=False)
        self.words.weight = self.table.weight

    def forward(self, ids: Tensor, image: Tensor) -> dict[str, Tensor]:
        """Return scores of words [2, tokens, words] for ids [2, tokens] and an image [2, 1, 8, 8]."""
        seen = self.norm(self.image(image)).mean(dim=(2, 3))[:, None]
        states = self.along(self.table(ids).transpose(1, 2)).transpose(1, 2) + seen
        return {"words": self.words(self.out(torch.relu(self.mix(states))))}


INPUTS: Arrays = {
    "ids": np.array([[1, 2, 3, 9], [0, 4, 4, 7]], np.int32),
    "image": np.random.default_rng(0).normal(size=(2, 1, 8, 8)).astype(np.float32),
}
TENSORS = {name: torch.from_numpy(array) for name, array in INPUTS.items()}


@pytest.fixture(scope="module")
def net() -> Net:
    torch.manual_seed(0)
    return Net().eval()


@pytest.fixture(scope="module")
def net_program(net: Net) -> Program:
    return program_of(net, TENSORS)


def error_of_net(net: Net, program: Program, plan: Plan, path: Path) -> float:
    with baked(net, plan), torch.no_grad():
        target.export(program, plan, path)
        expected = net(**TENSORS)["words"].numpy()
    found = target.open(path).run("serving_default", INPUTS)["words"]
    return float(np.abs(found - expected).max() / np.abs(expected).max())


@pytest.mark.parametrize(
    ("name", "largest"), [("fp32", EXACT), ("w4-e4-a32", EXACT), ("w8-e8-a8", 0.03), ("wp4-e4b8-a32", EXACT)]
)
def test_a_plain_module(name: str, largest: float, net: Net, net_program: Program, tmp_path: Path) -> None:
    plan, path = Plan.named(name), tmp_path / "net.onnx"
    assert error_of_net(net, net_program, plan, path) <= largest
    cards = formats_of(target.describe(path))
    assert set(cards) == {"table", "along", "image", "mix", "out"}
    assert cards["mix"] == str(plan.weights)
    assert cards["table"] == str(plan.embedding).removesuffix("-b8")  # one block is the whole row


def test_a_graph_made_once_follows_the_weights(net: Net, net_program: Program, tmp_path: Path) -> None:
    """Those a plan speaks of, and all others: a program is trained between two exports."""
    plan, path = Plan.named("w8-e8-a32"), tmp_path / "net.onnx"
    for parameter in (net.out.weight, net.mix.bias):
        kept = parameter.detach().clone()
        with torch.no_grad():
            before = net(**TENSORS)["words"]
            parameter.add_(torch.ones_like(kept))
            assert not torch.allclose(net(**TENSORS)["words"], before, atol=0.01)
        assert error_of_net(net, net_program, plan, path) <= EXACT
        with torch.no_grad():
            parameter.copy_(kept)


def test_a_norm_that_the_exporter_folds(tmp_path: Path) -> None:
    """The kernel leaves the grid, by no more than float16's rounding of its new scales."""
    torch.manual_seed(0)
    net, plan, path = Net(has_norm=True).eval(), Plan.named("w4-e4-a32"), tmp_path / "net.onnx"
    net.norm.get_buffer("running_var").fill_(2.0)
    assert error_of_net(net, program_of(net, TENSORS), plan, path) <= 2e-3
    assert formats_of(target.describe(path))["image"] == "int4"
