"""Core ML packages for an iOS without functions: one per signature, which belong together."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import pocketformer
from pocketformer import files
from pocketformer.errors import ExportError, FileFormatError, InputError
from pocketformer.program import Program, Shapes
from pocketformer.targets import ExportOptions
from pocketformer.targets import coreml as target
from pocketformer.targets.coreml.package import read_package
from pocketformer.tokenizer import encode_text
from tiny import tiny_classifier

PARTS = ("m.int8.classify_8.mlpackage", "m.int8.classify_16.mlpackage", "m.int8.tokenize.mlpackage")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    source = tiny_classifier(tmp_path_factory.mktemp("old") / "c")
    return Program.from_checkpoint(str(source), Shapes((8, 16), 64))


@pytest.fixture(scope="module")
def made(program: Program, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    target.export(program, "int8", folder / "m.int8.mlpackage", ExportOptions("16"))
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "copy"))


def test_each_signature_has_a_package(made: Path) -> None:
    assert {path.name for path in made.iterdir()} == {"m.int8.mlpackage", *PARTS}
    card = target.describe(made / "m.int8.mlpackage")
    assert {one.name for one in card.signatures} == {"classify", "tokenize", "classify_8", "classify_16"}
    assert set(card.parts) == set(PARTS)
    assert card.size_bytes == sum(files.size_bytes(path) for path in made.iterdir())
    assert (str(card.runtime), card.runtime.stated) == ("iOS 16", "specification version 7")
    for path in made.iterdir():
        assert read_package(path).specification.specificationVersion == 7
        assert list(read_package(path).functions) == ["main"]


def test_together_they_are_one_model(program: Program, made: Path, tmp_path: Path) -> None:
    target.export(program, "int8", tmp_path / "new.mlpackage")
    old, new = (pocketformer.open(path) for path in (made / "m.int8.mlpackage", tmp_path / "new.mlpackage"))
    for text in ("where is my card?", "café 中文 " * 5, ""):
        assert old(text).signatures == new(text).signatures
        assert np.array_equal(old(text).logits, new(text).logits)


def test_a_part_is_a_model_by_itself(made: Path) -> None:
    session = target.open(made / "m.int8.tokenize.mlpackage")
    assert [one.name for one in session.card.signatures] == ["tokenize"]
    assert session.run("tokenize", {"text": encode_text("my card", 64)})["length"][0] == 4


def test_what_is_missing_is_said(folder: Path) -> None:
    files.remove(folder / PARTS[0])
    card = target.describe(folder / "m.int8.mlpackage")
    assert card.metadata["missing_parts"] == [PARTS[0]]
    assert {one.name for one in card.signatures} == {"classify", "tokenize", "classify_16"}
    with pytest.raises(InputError, match="no signature 'classify_8'"):
        target.open(folder / "m.int8.mlpackage").run("classify_8", {})


def test_packages_of_different_exports_are_not_mixed(folder: Path, tmp_path: Path) -> None:
    other = tiny_classifier(tmp_path / "c", seed=7)
    again = Program.from_checkpoint(str(other), Shapes((8, 16), 64)).only("classify_8")
    target.export(again, "int8", folder / PARTS[0], ExportOptions("16"))
    with pytest.raises(
        FileFormatError, match=r"is not the package that m\.int8\.mlpackage was exported with"
    ):
        target.open(folder / "m.int8.mlpackage")


def test_exporting_again_leaves_no_parts_of_before(program: Program, folder: Path) -> None:
    target.export(program, "int8", folder / "m.int8.mlpackage")
    assert [path.name for path in folder.iterdir()] == ["m.int8.mlpackage"]
    assert str(target.describe(folder / "m.int8.mlpackage").runtime) == "iOS 18"


@pytest.mark.parametrize(("ios", "precision", "expected"), [("15", "fp32", "15"), ("17.4", "palette4", "16")])
def test_no_more_is_asked_for_than_is_used(
    ios: str, precision: str, expected: str, program: Program, tmp_path: Path
) -> None:
    path = tmp_path / "m.mlpackage"
    target.export(program.only("classify_8"), precision, path, ExportOptions(ios))
    assert target.describe(path).runtime.release == expected
    inputs = {one.name: np.ones(one.shape, np.int32) for one in target.describe(path).signatures[0].inputs}
    assert np.isfinite(target.open(path).run("classify_8", inputs)["logits"]).all()


@pytest.mark.parametrize(
    ("ios", "precision", "message"),
    [
        (
            "16",
            "int4",
            r"iOS 16 cannot load int4-b32, which the plan has for encoder\.\S+embeddings \(and \d+ more\): "
            r"int4 weights need iOS 18\. Export with --ios 18, or plan int8, palette4 or fp16\.",
        ),
        (
            "15",
            "int8",
            r"int8 weights with a scale per row need iOS 16\. Export with --ios 16, or plan fp16\.",
        ),
        ("14", "fp32", "an ML Program, which needs iOS 15"),
        ("soon", "fp32", "'soon' is no iOS version; give a number such as 16 or 18"),
    ],
)
def test_an_ios_too_old_is_refused_before_converting(
    ios: str, precision: str, message: str, program: Program, tmp_path: Path
) -> None:
    with pytest.raises(ExportError, match=message):
        target.export(program, precision, tmp_path / "m.mlpackage", ExportOptions(ios))
    assert not list(tmp_path.iterdir())
