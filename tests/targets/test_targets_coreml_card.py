"""Describing Core ML packages: a stranger's, a damaged one, and the verdict on where they run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mil import coremltools, quiet, save_program
from pocketformer.errors import FileFormatError, InputError
from pocketformer.program import Program, Shapes
from pocketformer.targets import ANY, WeightCard
from pocketformer.targets import coreml as target
from pocketformer.targets.coreml.package import read_package
from pocketformer.targets.coreml.releases import FIRST_OPERATIONS, LATER_OPERATIONS, release_of_specification
from tiny import tiny_classifier

X = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)


class Strange(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(16, 5)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return torch.softmax(self.linear(pixels), -1)


def plain(path: Path, rows: int, **options: Any) -> Path:
    """Convert a model as a stranger would: by coremltools alone, with its defaults."""
    ct = coremltools()
    with quiet():
        exported = torch.export.export(Strange().eval(), (torch.zeros(rows, 16),)).run_decompositions({})
        model = ct.convert(exported, convert_to="mlprogram", skip_model_load=True, **options)
        model.save(str(path))
    return path


def test_a_strangers_package_is_described_and_run(tmp_path: Path) -> None:
    ct = coremltools()
    path = plain(tmp_path / "s.mlpackage", 2, minimum_deployment_target=ct.target.iOS16)
    card = target.describe(path)
    (signature,) = card.signatures
    assert (signature.name, card.labels, card.metadata) == ("main", (), {})
    assert [(one.name, one.dtype, one.shape) for one in signature.inputs] == [("pixels", "float32", (2, 16))]
    assert {one.name: (one.version, one.count, one.builtin) for one in card.operations} == {
        "cast": (6, 1, True),
        "linear": (6, 1, True),
        "softmax": (6, 1, True),
    }
    assert card.weight_bytes["float16"] == 16 * 5 * 2 + 5 * 2
    assert (card.runtime.release, card.runtime.stated) == ("16", "specification version 7")
    (found,) = target.open(path).run("main", {"pixels": np.ones((2, 16), np.float32)}).values()
    assert found.dtype == np.dtype(signature.outputs[0].dtype) == np.float16
    assert found.sum(axis=-1) == pytest.approx([1, 1], abs=2e-3)


def test_labels_of_core_mls_own_classifiers_are_read(tmp_path: Path) -> None:
    ct = coremltools()
    labels = ["a", "b", "ü", "d", "e"]
    path = plain(tmp_path / "c.mlpackage", 1, classifier_config=ct.ClassifierConfig(labels))
    card = target.describe(path)
    assert card.labels == tuple(labels)
    assert card.signatures[0].outputs[0].dtype == "str"
    found = target.open(path).run("main", {"pixels": np.ones((1, 16), np.float32)})
    assert found["classLabel"] in labels


def test_flexible_sizes_are_any(tmp_path: Path) -> None:
    ct = coremltools()
    flexible = ct.TensorType("pixels", (ct.RangeDim(2, 9), 16))
    with quiet():
        example = torch.jit.trace(Strange().eval(), torch.zeros(2, 16))
        ct.convert(example, inputs=[flexible], skip_model_load=True).save(str(tmp_path / "f.mlpackage"))
    session = target.open(tmp_path / "f.mlpackage")
    assert session.card.signatures[0].inputs[0].shape == (ANY, 16)
    for rows in (2, 7):
        (found,) = session.run("main", {"pixels": np.ones((rows, 16), np.float32)}).values()
        assert found.shape == (rows, 5)


def test_what_a_file_needs_counts_more_than_what_it_states(tmp_path: Path) -> None:
    """A package whose specification version was lowered by hand loads nowhere before."""

    def build(mb: Any, x: Any) -> Any:
        data = mb.constexpr_blockwise_shift_scale(
            data=np.ones((4, 64), np.int8), scale=np.ones((4, 2), np.float32)
        )
        return mb.linear(x=x, weight=data)

    path = save_program(tmp_path / "m.mlpackage", {"x": np.zeros((1, 64), np.float32)}, build)
    assert target.describe(path).weights == (WeightCard("", "int8-b32", 4 * 64 + 4 * 2 * 4),)
    package = read_package(path)
    package.specification.specificationVersion = 7
    (path / "Data/com.apple.CoreML/model.mlmodel").write_bytes(package.specification.SerializeToString())
    verdict = target.describe(path).runtime
    assert (str(verdict), verdict.stated) == ("iOS 18", "specification version 7")
    assert verdict.reason in ("operations of CoreML8", "constexpr_blockwise_shift_scale (CoreML8)")


def test_an_unknown_operation_leaves_the_verdict_open(tmp_path: Path) -> None:
    path = save_program(tmp_path / "m.mlpackage", {"x": X}, lambda mb, x: mb.relu(x=x))
    package = read_package(path)
    for operation in package.functions["main"].block_specializations["CoreML8"].operations:
        operation.type = "relu7000"
    (path / "Data/com.apple.CoreML/model.mlmodel").write_bytes(package.specification.SerializeToString())
    card = target.describe(path)
    assert (card.runtime.release, card.runtime.unknown) == (None, ("relu7000",))
    assert [one.name for one in card.foreign_operations] == ["relu7000"]
    with pytest.raises(FileFormatError, match="relu7000"):
        target.open(path)


def test_the_table_of_releases_is_coremltools_own() -> None:
    ct = coremltools()
    from coremltools.converters.mil.mil.ops.registry import SSAOpRegistry

    for name, versions in SSAOpRegistry.core_ops.items():
        release = release_of_specification(int(min(versions)))
        assert release is not None
        if name in LATER_OPERATIONS:
            assert release.ios == LATER_OPERATIONS[name], name
        elif not name.startswith("_"):
            assert release.ios <= 15, name
            assert name in FIRST_OPERATIONS, name
    for one in ct.target:
        release = release_of_specification(int(one))
        assert release is not None
        if one.name.startswith("iOS"):
            assert f"iOS{release.ios}" == one.name


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ours")
    program = Program.from_checkpoint(str(tiny_classifier(folder / "c")), Shapes((8,), 64)).only("classify_8")
    target.export(program, "fp32", folder / "m.mlpackage")
    return folder / "m.mlpackage"


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("Manifest.json", b"{", "The manifest .* is damaged"),
        ("Data/com.apple.CoreML/model.mlmodel", b"\x08\x06\xff\xff", "cut short or damaged"),
        ("Data/com.apple.CoreML/weights/weight.bin", b"\0" * 100, "weight file .* is cut short or damaged"),
        ("Data/com.apple.CoreML/weights/weight.bin", None, "weight file .* is missing"),
        ("Data/com.apple.CoreML/model.mlmodel", None, "is missing, cut short or damaged"),
    ],
)
def test_a_damaged_package_is_a_sentence(
    file: str, content: bytes | None, message: str, ours: Path, tmp_path: Path
) -> None:
    path = Path(shutil.copytree(ours, tmp_path / "m.mlpackage"))
    (path / file).unlink()
    if content is not None:
        (path / file).write_bytes(content)
    with pytest.raises(FileFormatError, match=message):
        target.open(path)


def test_metadata_that_is_no_json_is_a_sentence(ours: Path, tmp_path: Path) -> None:
    path = Path(shutil.copytree(ours, tmp_path / "m.mlpackage"))
    package = read_package(path)
    package.specification.description.metadata.userDefined["pocketformer"] = "{"
    (path / "Data/com.apple.CoreML/model.mlmodel").write_bytes(package.specification.SerializeToString())
    with pytest.raises(FileFormatError, match=r"metadata in .* is not JSON"):
        target.describe(path)


def test_a_path_to_nothing_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="does not exist"):
        target.describe(tmp_path / "no.mlpackage")


def test_no_identifier_is_random_and_no_date_is_stored(ours: Path) -> None:
    manifest = json.loads((ours / "Manifest.json").read_text("utf-8"))
    assert manifest["rootModelIdentifier"] in manifest["itemInfoEntries"]
    stored = read_package(ours).specification.description.metadata.userDefined
    assert not any("date" in name for name in stored)


def test_inputs_are_held_against_the_card(ours: Path) -> None:
    with pytest.raises(InputError, match=r"'classify_8' needs the input 'input_ids' \(int32 \[1, 8\]\)"):
        target.open(ours).run("classify_8", {})
