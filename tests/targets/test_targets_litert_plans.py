"""A LiteRT file holds a plan's very weights, says so, and computes what PyTorch does with them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from ai_edge_litert import schema_py_generated as schema
from torch import nn

from pocketformer.errors import ExportError
from pocketformer.plan import Plan, PlannedLayer, WeightFormat, bake, planned_layers
from pocketformer.plan.activations import simulated
from pocketformer.plan.layers import LayerKind
from pocketformer.program import Program, Signature
from pocketformer.targets import ExportOptions, FileCard, litert
from pocketformer.targets.litert import convert, weights

HIDDEN, HEAD, WORDS = 64, 32, 40


class Text(nn.Module):
    """An embedding, attention of one head, whose root the converter folds into weights, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, HIDDEN)
        self.query, self.key, self.value = (nn.Linear(HIDDEN, HEAD) for _ in range(3))
        self.norm = nn.LayerNorm(HIDDEN)
        self.head = nn.Linear(HIDDEN, 3)
        self.unused = nn.Linear(4, 4)

    def forward(self, ids: torch.Tensor) -> dict[str, torch.Tensor]:
        x = self.words(ids)
        query, key, value = (layer(x)[:, None] for layer in (self.query, self.key, self.value))
        mixed = nn.functional.scaled_dot_product_attention(query, key, value)[:, 0]
        return {"logits": self.head(self.norm(torch.cat([mixed, mixed], -1) + x)[:, 0])}


class Image(nn.Module):
    """Kernels of every sort: plain, behind a normalisation, of one input per output, of one dimension."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3)
        self.norm = nn.BatchNorm2d(8)
        self.depthwise = nn.Conv2d(8, 8, 3, groups=8)
        self.line = nn.Conv1d(8, 4, 3)
        self.head = nn.Linear(4 * 14, 5)

    def forward(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
        made = torch.relu(self.depthwise(torch.relu(self.norm(self.first(image)))))
        return {"logits": self.head(self.line(made.flatten(2)).flatten(1))}


def program_of(module: nn.Module, **inputs: torch.Tensor) -> Program:
    return Program("module", (Signature("run", module.eval(), inputs),), (), {}, module)


IDS = torch.tensor([[3, 1, 4, 1, 5, 39]], dtype=torch.int32)


@pytest.fixture(scope="module")
def converted_text() -> Program:
    torch.manual_seed(0)
    module = Text()
    nn.init.normal_(module.query.weight)  # so that attention attends to something
    nn.init.normal_(module.norm.weight)
    nn.init.normal_(module.norm.bias)
    module.value.weight.data.copy_(module.key.weight)  # told apart all the same
    return program_of(module, ids=IDS)


@pytest.fixture
def text(converted_text: Program) -> Iterator[Program]:
    """The program with the weights that it had at first."""
    module = converted_text.model
    assert module is not None
    state = {name: value.clone() for name, value in module.state_dict().items()}
    yield converted_text
    module.load_state_dict(state)


def exported(program: Program, plan: Plan, path: Path, **inputs: torch.Tensor) -> tuple[FileCard, float]:
    """Bake, export and run; return what is in the file and how far it is from PyTorch, relatively."""
    module = program.model
    assert module is not None
    bake(module, plan)
    litert.export(program, plan, path)
    with torch.no_grad(), simulated(module, plan):
        right = module(**inputs)["logits"].numpy()
    session = litert.open(path)
    made = session.run("run", {name: value.numpy() for name, value in inputs.items()})["logits"]
    return session.card, float(np.abs(made - right).max() / np.abs(right).max())


def formats(card: FileCard) -> dict[str, str]:
    return {weight.layer: weight.format for weight in card.weights}


@pytest.mark.parametrize(
    ("name", "matrix", "table", "release"),
    [
        ("fp32", "fp32", "fp32", None),
        ("fp16", "fp16", "fp16", None),
        ("int8", "int8", "int8", "2.18.0"),
        ("w4-e4-a8", "int4", "int4", "2.18.0"),
        ("int4", "int4-b32", "int4-b32", "2.21.0"),
        ("w2-e2-a8", "int2", "int2", "2.21.0"),
        ("w4b64-e2b16-a8", "int4-b64", "int2-b16", "2.21.0"),
        ("w8-e8-a32", "int8", "int8", "2.18.0"),
        ("w4-e4b32-a32", "int4", "int4-b32", "2.21.0"),
        ("w2-e8-a32", "int2", "int8", "2.21.0"),
        ("w3-e6-a8", "int4", "int8", "2.18.0"),  # the next wider, with the same codes
        ("w2b32-e3b32-a8", "int4-b32", "int4-b32", "2.21.0"),
    ],
)
def test_a_file_computes_what_pytorch_does_with_the_plans_weights(
    text: Program, tmp_path: Path, name: str, matrix: str, table: str, release: str | None
) -> None:
    card, error = exported(text, Plan.named(name), tmp_path / "text.tflite", ids=IDS)
    assert error < (1e-3 if name == "fp16" else 1e-5)  # half the weights are multiplied by a root
    assert formats(card) == {"words": table, **dict.fromkeys(["query", "key", "value", "head"], matrix)}
    assert release is None or card.runtime.release == release
    assert card.metadata["precision"] == name
    assert Plan.model_validate(card.metadata["plan"]) == Plan.named(name)


def test_each_layer_has_its_own_format(text: Program, tmp_path: Path) -> None:
    chosen = {"query": "int4-b32", "key": "int2", "value": "fp16", "head": "fp32", "words": "int4"}
    layers = {layer: WeightFormat.parse(name) for layer, name in chosen.items()}
    plan = Plan.named("int8").with_layers(layers, "mixed")
    card, error = exported(text, plan, tmp_path / "text.tflite", ids=IDS)
    assert error < 1e-3
    assert formats(card) == chosen
    sizes = {weight.layer: weight.bytes for weight in card.weights}
    assert sizes["query"] == HEAD * HIDDEN // 2 + HEAD * 2 * 2  # a float16 scale for each of two blocks
    assert sizes["words"] == WORDS * HIDDEN // 2 + WORDS * (4 + 8)


@pytest.fixture(scope="module")
def image() -> Program:
    torch.manual_seed(0)
    module = Image()
    nn.init.uniform_(module.norm.weight, -1, 1)
    return program_of(module, image=torch.randn(1, 3, 12, 6))


@pytest.mark.parametrize("name", ["fp32", "w8-e8-a32", "w4-e4-a8", "w2-e8-a8"])
def test_kernels_are_stored_too(tmp_path: Path, image: Program, name: str) -> None:
    plan = Plan.named(name).with_layers({"head": WeightFormat.parse("fp32")}, "kernels")
    card, error = exported(image, plan, tmp_path / "image.tflite", image=image.signatures[0].inputs["image"])
    assert error < 1e-5
    stored = dict.fromkeys(["first", "depthwise", "line"], str(plan.weights))
    assert formats(card) == {**stored, "head": "fp32"}


@pytest.mark.parametrize(
    ("format_name", "kind", "shape", "activations", "sentence"),
    [
        ("palette4", "linear", (8, 64), "int8", "it has no palettes. Use int4"),
        ("int8-b32", "linear", (8, 64), "int8", "blocks of 4 bits and no wider ones. Use int8, or int4-b32"),
        ("int4-b16", "linear", (8, 64), "int8", "its blocks are multiples of 32 inputs"),
        ("int4-b32", "linear", (8, 64), "float", "Let activations be int8, or use int4"),
        ("int4-b32", "convolution", (8, 32, 1, 1), "int8", "one scale per output channel. Use int4"),
        ("int4-b1", "embedding", (8, 63), "int8", "does not fill whole bytes. Use int8"),
    ],
)
def test_what_cannot_be_stored_is_said_with_the_layer_and_a_cure(
    format_name: str, kind: LayerKind, shape: tuple[int, ...], activations: str, sentence: str
) -> None:
    plan = Plan.model_validate(
        {"name": "odd", "weights": "int8", "embedding": "int8", "activations": activations}
    )
    layer = PlannedLayer("encoder.dense", kind, shape, WeightFormat.parse(format_name))
    (said,) = litert.unrealizable(plan, [layer])
    assert said.startswith(f"LiteRT cannot store encoder.dense as {format_name}: ")
    assert sentence in said


def test_named_plans_are_writable_and_a_refused_one_leaves_no_file(text: Program, tmp_path: Path) -> None:
    module = text.model
    assert module is not None
    for name in litert.precisions:
        assert litert.unrealizable(Plan.named(name), planned_layers(module, Plan.named(name))) == ()
    with pytest.raises(ExportError, match="cannot store words as palette4"):
        litert.export(text, "palette4", tmp_path / "text.tflite")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "limit", "sentence"),
    [
        ("int4", "2.18", r"cannot hold this model in int4: EMBEDDING_LOOKUP version 5 of words needs 2\.21"),
        ("w2-e8-a8", "2.20", r"FULLY_CONNECTED version 14 of query needs 2\.21\.0 .* Use int8 weights"),
        ("w4-e8-a8", "2.16", r"EMBEDDING_LOOKUP version 4 of words needs 2\.18"),
        ("w2-e2-a32", "2.20", r"EMBEDDING_LOOKUP version 5 of words"),
    ],
)
def test_a_plan_too_new_for_the_oldest_runtime_names_the_layer(
    text: Program, tmp_path: Path, name: str, limit: str, sentence: str
) -> None:
    with pytest.raises(ExportError, match=sentence):
        litert.export(text, name, tmp_path / "text.tflite", ExportOptions(limit))


def test_a_file_that_holds_something_else_than_planned_is_not_written(text: Program, tmp_path: Path) -> None:
    path = tmp_path / "text.tflite"
    plan = Plan.named("w4-e8-a8")
    exported(text, plan, path, ids=IDS)
    model = schema.Model.GetRootAs(path.read_bytes(), 0)
    held = {"query": WeightFormat.parse("int4"), "words": WeightFormat.parse("int8")}
    weights.require_formats(model, plan, held)
    with pytest.raises(ExportError, match=r"has query as int4-b32, and the file .* holds int4"):
        weights.require_formats(model, plan, {**held, "query": WeightFormat.parse("int4-b32")})
    with pytest.raises(ExportError, match=r"has pooler as int8, and the file .* holds nothing"):
        weights.require_formats(model, plan, {**held, "pooler": WeightFormat.parse("int8")})


def test_a_program_is_converted_once_and_again_when_anything_but_weights_changes(
    text: Program, tmp_path: Path
) -> None:
    first = convert.convert(text)
    for name in ("int8", "int4", "fp32"):
        exported(text, Plan.named(name), tmp_path / f"{name}.tflite", ids=IDS)
        assert convert.convert(text) is first
    module = text.model
    assert isinstance(module, Text)
    with torch.no_grad():
        module.norm.bias.add_(1)
    _, error = exported(text, Plan.named("fp32"), tmp_path / "moved.tflite", ids=IDS)
    assert error < 1e-5
    assert convert.convert(text) is not first
