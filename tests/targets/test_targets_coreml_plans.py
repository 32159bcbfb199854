"""Core ML packages of plans: each layer as planned, read back from the bytes, equal to baked PyTorch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from pocketformer import files
from pocketformer.errors import ExportError
from pocketformer.modules import program_of
from pocketformer.plan import Plan, WeightFormat, bake, planned_layers
from pocketformer.program import Program, Shapes, Signature
from pocketformer.targets import ExportOptions
from pocketformer.targets import coreml as target
from pocketformer.targets.coreml import convert
from pocketformer.targets.coreml.matching import require_as_planned
from tiny import tiny_classifier

QUERY = "encoder.encoder.layer.0.attention.self.query"
OUTPUT = "encoder.encoder.layer.1.output.dense"
WORDS = "encoder.embeddings.word_embeddings"

MIXED = Plan.named("w8-e4b32-a8").with_layers(
    {
        "encoder.encoder.layer.0": WeightFormat.parse("int4"),
        QUERY: WeightFormat.parse("palette3-g16"),
        OUTPUT: WeightFormat.parse("fp32"),
        "encoder.encoder.layer.1.attention": WeightFormat.parse("fp16"),
    },
    "mixed",
)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """A classifier wide enough for blocks of 32 and groups of 16, its token table included."""
    source = tiny_classifier(
        tmp_path_factory.mktemp("plans") / "c", hidden_size=64, intermediate_size=96, vocab_size=160
    )
    return Program.from_checkpoint(str(source), Shapes((8,), 64)).only("classify_8")


class Small(nn.Module):
    """A table and three matrices, which convert in no time."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(160, 64)
        self.up = nn.Linear(64, 96)
        self.down = nn.Linear(96, 64)
        self.out = nn.Linear(64, 1)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        states = self.words(ids)
        result: torch.Tensor = self.out(states + self.down(torch.relu(self.up(states))))
        return result


@pytest.fixture(scope="module")
def small() -> Program:
    torch.manual_seed(4)
    module = Small()
    return replace(program_of(module, {"ids": torch.from_numpy(IDS["ids"])}), model=module)


IDS = {"ids": np.array([[3, 1, 95, 2, 0, 7, 50, 11]], np.int32)}


def sample_ids() -> list[dict[str, np.ndarray]]:
    draw = np.random.default_rng(3)
    return [
        {
            "input_ids": draw.integers(5, 140, (1, 8)).astype(np.int32),
            "attention_mask": np.ones((1, 8), np.int32),
            "token_type_ids": np.zeros((1, 8), np.int32),
        }
        for _ in range(3)
    ]


def errors(program: Program, path: Path, inputs: list[dict[str, np.ndarray]], output: str) -> float:
    """Return the largest error of a package against the program as it is now, over the largest value."""
    session, (signature,) = target.open(path), program.signatures
    largest = 0.0
    for given in inputs:
        with torch.inference_mode():
            expected = signature.module(**{name: torch.from_numpy(one) for name, one in given.items()})
        value = expected[output].numpy()
        found = session.run(signature.name, given)[output]
        largest = max(largest, float(np.abs(found - value).max() / np.abs(value).max()))
    return largest


def formats(path: Path) -> dict[str, str]:
    return {one.layer: one.format for one in target.describe(path).weights}


@pytest.mark.parametrize(
    ("name", "ios", "matrices", "words"),
    [
        ("fp32", "15", "fp32", "fp32"),
        ("fp16", "15", "fp16", "fp16"),
        ("int8", "16", "int8", "int8"),
        ("int4", "18", "int4-b32", "int4-b32"),
        ("w4-e4-a8", "18", "int4", "int4"),
        ("w2-e3b32-a8", "18", "int2", "int3-b32"),
        ("w5b32-e6-a8", "18", "int5-b32", "int6"),
        ("w7-e8b32-a8", "18", "int8", "int8-b32"),
        ("palette4", "16", "palette4", "palette4"),
        ("wp4g16-ep2g16-a32", "18", "palette4-g16", "palette2-g16"),
        ("wp1-ep6-a32", "16", "palette1", "palette6"),
        ("wp3-ep8-a32", "18", "palette3", "palette8"),
        ("w32-e8-a8", "16", "fp32", "int8"),
        ("w32-e16-a32", "16", "fp32", "fp16"),
    ],
)
def test_every_format_is_stored_read_back_and_equal_to_baked_pytorch(
    name: str, ios: str, matrices: str, words: str, small: Program, tmp_path: Path
) -> None:
    plan, path = Plan.named(name), tmp_path / "m.mlpackage"
    with small.baked(plan):
        target.export(small, plan, path)
        error = errors(small, path, [IDS], "output")
    assert error < (1e-5 if matrices == "fp32" else 4e-3)
    # Of one row, the codes and scales would take more bytes than the floats.
    out = "fp32" if matrices == "fp32" else "fp16"
    assert formats(path) == {"words": words, "up": matrices, "down": matrices, "out": out}
    card = target.describe(path)
    assert card.runtime.release == ios
    assert Plan.model_validate(card.metadata["plan"]) == plan


def test_exceptions_are_stored_by_layer(program: Program, tmp_path: Path) -> None:
    path = tmp_path / "m.mlpackage"
    with program.baked(MIXED):
        target.export(program, MIXED, path)
        assert errors(program, path, sample_ids(), "logits") < 4e-3
    found = formats(path)
    assert (found[QUERY], found[OUTPUT], found[WORDS]) == ("palette3-g16", "fp32", "int4-b32")
    assert Counter(found.values()) == {
        "int4": 5, "palette3-g16": 1, "fp32": 1, "fp16": 4, "int8": 2, "int4-b32": 1,
    }  # fmt: skip
    assert target.describe(path).metadata["float32_layers"] == [OUTPUT]


def test_bytes_of_weights_are_those_of_their_formats(program: Program, tmp_path: Path) -> None:
    target.export(program, MIXED, tmp_path / "m.mlpackage")
    cards = {one.layer: one.bytes for one in target.describe(tmp_path / "m.mlpackage").weights}
    assert cards[QUERY] == 64 * 64 * 3 // 8 + 4 * 8 * 2
    assert cards[WORDS] == 160 * 64 // 2 + 160 * 2 * 2
    assert cards[OUTPUT] == 64 * 96 * 4


def test_weights_that_are_not_baked_are_put_on_the_grid(small: Program, tmp_path: Path) -> None:
    for name in ("w4b32-e8-a8", "wp4-ep4-a32"):
        target.export(small, name, tmp_path / "raw.mlpackage")
        with small.baked(Plan.named(name)):
            target.export(small, name, tmp_path / "baked.mlpackage")
        assert files.sha256(tmp_path / "raw.mlpackage") == files.sha256(tmp_path / "baked.mlpackage")


def test_signatures_share_one_copy_of_compressed_weights(small: Program, tmp_path: Path) -> None:
    (first,) = small.signatures
    longer = {"ids": torch.zeros(1, 12, dtype=torch.int32)}
    both = replace(small, signatures=(first, Signature("longer", first.module, longer)))
    target.export(both, "w2-e4-a8", tmp_path / "m.mlpackage")
    card = target.describe(tmp_path / "m.mlpackage")
    assert [one.name for one in card.signatures] == ["serving_default", "longer"]
    assert card.weight_bytes["uint2"] == 2 * 64 * 96 // 4
    assert [one.format for one in card.weights] == ["int4", "int2", "int2", "fp16"]


def test_plans_take_one_conversion_and_the_weights_of_the_moment(
    small: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = replace(small)
    conversions: list[str] = []
    original = convert._lowered

    def counted(graph: Any, kind: Any) -> Any:
        conversions.append(graph.signature.name)
        return original(graph, kind)

    monkeypatch.setattr(convert, "_lowered", counted)
    for name in ("int4", "w4-e8-a8", "w3-e3-a8", "wp4g16-ep4-a32"):
        with fresh.baked(Plan.named(name)):
            target.export(fresh, name, tmp_path / "m.mlpackage")
            assert errors(fresh, tmp_path / "m.mlpackage", [IDS], "output") < 4e-3
    assert conversions == ["serving_default"]
    bias = fresh.signatures[0].module.get_parameter("module.out.bias")
    kept = bias.detach().clone()
    bias.data += 1.0
    target.export(fresh, "w4-e8-a8", tmp_path / "m.mlpackage")
    with fresh.baked(Plan.named("w4-e8-a8")):
        assert errors(fresh, tmp_path / "m.mlpackage", [IDS], "output") < 4e-3
    bias.data = kept
    assert conversions == ["serving_default", "serving_default"]


@pytest.mark.parametrize(
    ("plan", "ios", "message"),
    [
        ("w4-e8-a8", "17", r"cannot load int4, .* for up .*: int4 weights need iOS 18"),
        ("w8-e3-a8", "16", r"cannot load int3, .* for words: int3 weights need iOS 18"),
        ("wp4g16-ep4-a32", "16", r"palette4-g16, .*: palettes per group of rows need iOS 18"),
        ("wp4-ep4-a32", "15", r"palettes of 16 values need iOS 16\. Export with --ios 16, or plan fp16"),
    ],
)
def test_an_ios_that_cannot_load_a_format_is_refused_by_layer(
    plan: str, ios: str, message: str, small: Program, tmp_path: Path
) -> None:
    with pytest.raises(ExportError, match=message):
        target.export(small, plan, tmp_path / "m.mlpackage", ExportOptions(ios))
    assert not list(tmp_path.iterdir())


def test_a_matrix_that_pays_in_float32_alone_is_compressed_there(small: Program, tmp_path: Path) -> None:
    plan = Plan.named("fp16").with_layers({"out": WeightFormat.parse("int8")})
    target.export(small, plan, tmp_path / "half.mlpackage")
    target.export(small, plan, tmp_path / "wide.mlpackage", ExportOptions(None, ("out",)))
    found = {name: target.describe(tmp_path / f"{name}.mlpackage") for name in ("half", "wide")}
    assert {name: card.weights[-1].format for name, card in found.items()} == {"half": "fp16", "wide": "int8"}
    assert {name: card.runtime.release for name, card in found.items()} == {"half": "15", "wide": "16"}


def test_palettes_of_three_bits_are_widened_before_ios_18(small: Program, tmp_path: Path) -> None:
    plan = Plan.named("wp3-ep1-a32")
    with small.baked(plan):
        target.export(small, plan, tmp_path / "m.mlpackage", ExportOptions("16"))
        assert errors(small, tmp_path / "m.mlpackage", [IDS], "output") < 4e-3
    assert formats(tmp_path / "m.mlpackage")["up"] == "palette4"
    assert target.describe(tmp_path / "m.mlpackage").runtime.release == "16"


def test_a_package_that_differs_from_its_plan_is_found_out(small: Program, tmp_path: Path) -> None:
    path, plan = tmp_path / "m.mlpackage", Plan.named("w4-e8-a8")
    target.export(small, plan, path)
    other = plan.with_layers({"down": WeightFormat.parse("int8")})
    with pytest.raises(ExportError, match=r"int8 for down, .*; the package holds int4\. Nothing was written"):
        require_as_planned(path, other, planned_layers(Small(), other), (), 18)
    renamed = [replace(one, name=f"{one.name}.inner") for one in planned_layers(Small(), plan)]
    with pytest.raises(
        ExportError, match=r"has int8 for words\.inner, whose weight the package does not tell"
    ):
        require_as_planned(path, plan, renamed, ["words.inner"], 18)


class Odd(nn.Module):
    """Layers that share a weight, layers of equal weights, a table that is read at known places."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(96, 64)
        self.places = nn.Embedding(96, 64)
        self.conv = nn.Conv2d(64, 64, (1, 3), padding=(0, 1))
        self.first = nn.Linear(64, 64)
        self.second = nn.Linear(64, 64)
        self.small = nn.Linear(64, 1)
        self.out = nn.Linear(64, 96, bias=False)
        self.out.weight = self.words.weight
        with torch.no_grad():
            self.second.weight.copy_(self.first.weight)

    def forward(self, ids: torch.Tensor) -> dict[str, torch.Tensor]:
        states = self.words(ids) + self.places(torch.arange(8))
        states = states + self.conv(states.transpose(1, 2)[:, :, None])[:, :, 0].transpose(1, 2)
        states = self.second(torch.relu(self.first(states)))
        return {"tokens": self.out(states), "small": self.small(states)}


@pytest.fixture
def odd() -> Odd:
    torch.manual_seed(2)
    return Odd().eval()


def stored(module: nn.Module, plan: Plan, path: Path, ready: Program | None = None) -> Mapping[str, str]:
    program = ready or program_of(module, {"ids": torch.from_numpy(IDS["ids"])})
    bake(module, plan)
    target.export(program, plan, path)
    for output in ("tokens", "small"):
        assert errors(program, path, [IDS], output) < 4e-3
    return formats(path)


def test_shared_equal_and_folded_weights_are_each_stored_as_planned(odd: Odd, tmp_path: Path) -> None:
    plan = Plan.named("w4-e8-a8").with_layers({"second": WeightFormat.parse("int8")})
    found = stored(odd, plan, tmp_path / "m.mlpackage")
    assert found == {"words": "int8", "conv": "int4", "first": "int4", "second": "int8", "small": "fp16"}


def test_folded_and_shared_weights_of_another_plan_are_converted_anew(odd: Odd, tmp_path: Path) -> None:
    program = program_of(odd, {"ids": torch.from_numpy(IDS["ids"])})
    stored(odd, Plan.named("w8-e8-a8"), tmp_path / "m.mlpackage", program)
    with torch.no_grad():
        odd.places.weight.mul_(3.0)
        odd.words.weight.mul_(-2.0)
    stored(odd, Plan.named("w8-e4-a8"), tmp_path / "m.mlpackage", program)


def test_blocks_hold_whole_kernels_or_are_refused(odd: Odd, tmp_path: Path) -> None:
    blocks = Plan.named("w8-e8-a8").with_layers({"conv": WeightFormat.parse("int4-b48")})
    assert stored(odd, blocks, tmp_path / "m.mlpackage")["conv"] == "int4-b48"
    broken = blocks.with_layers({"conv": WeightFormat.parse("int4-b32")})
    (sentence,) = target.unrealizable(broken, planned_layers(odd, broken))
    assert "conv is planned int4-b32" in sentence
    assert "plan int4 for it, or blocks of a multiple of 3" in sentence
    program = program_of(odd, {"ids": torch.from_numpy(IDS["ids"])})
    with pytest.raises(ExportError, match=r"cannot store the plan 'w8-e8-a8': conv is planned int4-b32"):
        target.export(program, broken, tmp_path / "b.mlpackage")
    assert not (tmp_path / "b.mlpackage").exists()
