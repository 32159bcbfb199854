"""Packages that are broken: each is refused with a sentence that says what and where."""

from __future__ import annotations

import contextlib
import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mil import save_program
from pocketformer.errors import FileFormatError, InputError, PocketformerError
from pocketformer.targets.coreml.evaluator import Evaluator
from pocketformer.targets.coreml.package import Package, read_package
from pocketformer.targets.coreml.protobuf import model_messages

X = np.full((2, 32), 2**-6, np.float16)
WEIGHT = np.linspace(-1, 1, 32 * 32, dtype=np.float16).reshape(32, 32)
MODEL = Path("Data/com.apple.CoreML/model.mlmodel")
BLOB = Path("Data/com.apple.CoreML/weights/weight.bin")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def build(mb: Any, x: Any) -> Any:
        return mb.tanh(x=mb.linear(x=x, weight=WEIGHT, name="product"), name="y")

    return save_program(tmp_path_factory.mktemp("sound") / "m.mlpackage", {"x": X}, build)


@pytest.fixture
def package(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "m.mlpackage"))


def run(path: Path, x: np.ndarray = X) -> np.ndarray:
    return Evaluator(read_package(path)).run("main", {"x": x})["y"]


def edit(path: Path, change: Callable[[Any], None]) -> None:
    """Change the program of a package, as a stranger's tool might."""
    specification = model_messages().Model()
    specification.ParseFromString((path / MODEL).read_bytes())
    function = specification.mlProgram.functions["main"]
    change(function.block_specializations[function.opset])
    (path / MODEL).write_bytes(specification.SerializeToString())


def find(block: Any, kind: str) -> Any:
    return next(operation for operation in block.operations if operation.type == kind)


def test_the_sound_package_runs(package: Path) -> None:
    assert run(package).shape == (2, 32)
    assert read_package(package).weight_bytes()["float16"] == WEIGHT.nbytes + 2 * 32  # and a bias of zeros


def test_what_is_no_package(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="does not exist; a Core ML package is a directory"):
        read_package(tmp_path / "none.mlpackage")
    (tmp_path / "file.mlpackage").write_text("no")
    with pytest.raises(FileFormatError, match="is a file"):
        read_package(tmp_path / "file.mlpackage")
    (tmp_path / "empty.mlpackage").mkdir()
    with pytest.raises(FileFormatError, match=r"has no Manifest\.json"):
        read_package(tmp_path / "empty.mlpackage")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"rootModelIdentifier": "a", "itemInfoEntries": {}}'])
def test_a_damaged_manifest(package: Path, content: str) -> None:
    (package / "Manifest.json").write_text(content)
    with pytest.raises(FileFormatError, match="does not tell where the model lies"):
        read_package(package)


def test_a_manifest_that_points_outside(package: Path) -> None:
    manifest = json.loads((package / "Manifest.json").read_text())
    manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]["path"] = "../../../etc/passwd"
    (package / "Manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(FileFormatError, match="outside its package"):
        read_package(package)


def test_a_missing_or_truncated_model(package: Path) -> None:
    content = (package / MODEL).read_bytes()
    (package / MODEL).write_bytes(content[: len(content) // 2])
    with pytest.raises(FileFormatError, match=r"model\.mlmodel cannot be read"):
        read_package(package)
    (package / MODEL).unlink()
    with pytest.raises(FileFormatError, match=r"model\.mlmodel cannot be read"):
        read_package(package)


def test_a_model_of_another_kind(package: Path) -> None:
    specification = model_messages().Model()
    specification.neuralNetwork.SetInParent()
    (package / MODEL).write_bytes(specification.SerializeToString())
    with pytest.raises(FileFormatError, match="of the kind 'neuralNetwork'; pocketformer reads ML Programs"):
        read_package(package)


def test_a_missing_weight_file(package: Path) -> None:
    (package / BLOB).unlink()
    with pytest.raises(FileFormatError, match=r"weight\.bin is missing"):
        run(package)


@pytest.mark.parametrize("kept", [0, 32, 100, 300])
def test_a_truncated_weight_file(package: Path, kept: int) -> None:
    (package / BLOB).write_bytes((package / BLOB).read_bytes()[:kept])
    with pytest.raises(FileFormatError, match=r"weight\.bin (is cut short or damaged|cannot be read)"):
        run(package)
    with pytest.raises(FileFormatError):
        read_package(package).weight_bytes()


@pytest.mark.parametrize(
    ("place", "number", "sentence"),
    [
        (4, 1, "its header says version 1, expected 2"),
        (64, 0xDEADBEEE, "no record begins at byte 64"),
        (68, 77, "the unknown dtype 77"),
        (68, 2, "holds 512 numbers|has float32 at byte"),
        (72, 2**31, "before the data of the record"),
        (72, 64, "holds 32 numbers at byte 64, and the program says 1,024"),
    ],
)
def test_a_damaged_record(package: Path, place: int, number: int, sentence: str) -> None:
    content = bytearray((package / BLOB).read_bytes())
    struct.pack_into("<I", content, place, number)
    (package / BLOB).write_bytes(content)
    with pytest.raises(FileFormatError, match=sentence):
        run(package)


def test_weights_outside_the_package(package: Path) -> None:
    def point_outside(block: Any) -> None:
        for operation in block.operations:
            for value in operation.attributes.values():
                if value.WhichOneof("value") == "blobFileValue":
                    value.blobFileValue.fileName = "@model_path/../../../../secret.bin"

    edit(package, point_outside)
    with pytest.raises(FileFormatError, match="outside its package"):
        run(package)


def test_unknown_operations_are_all_named(package: Path) -> None:
    def rename(block: Any) -> None:
        find(block, "tanh").type = "tangent_of_tomorrow"
        find(block, "linear").type = "a_custom_layer"

    edit(package, rename)
    with pytest.raises(
        FileFormatError, match=r"does not run: a_custom_layer \(1\), tangent_of_tomorrow \(1\)"
    ):
        Evaluator(read_package(package)).compile("main")


def test_a_dangling_name(package: Path) -> None:
    def dangle(block: Any) -> None:
        find(block, "tanh").inputs["x"].arguments[0].name = "nobody"

    edit(package, dangle)
    with pytest.raises(FileFormatError, match=r"'y' \(tanh\) of function 'main' reads 'nobody'"):
        run(package)


def test_a_dangling_output(package: Path) -> None:
    edit(package, lambda block: block.outputs.__setitem__(0, "nobody"))
    with pytest.raises(FileFormatError, match="the end of the block reads 'nobody'"):
        run(package)


def test_an_input_the_evaluator_does_not_know(package: Path) -> None:
    def add(block: Any) -> None:
        find(block, "tanh").inputs["twist"].CopyFrom(find(block, "tanh").inputs["x"])

    edit(package, add)
    with pytest.raises(FileFormatError, match="does not know: twist"):
        run(package)


def test_a_missing_input(package: Path) -> None:
    edit(package, lambda block: find(block, "linear").inputs.pop("weight"))
    with pytest.raises(
        FileFormatError, match=r"'product' \(linear\) of function 'main' lacks its input weight"
    ):
        run(package)


def test_a_wrong_declared_shape(package: Path) -> None:
    def shrink(block: Any) -> None:
        tensor = find(block, "linear").outputs[0].type.tensorType
        tensor.dimensions[1].constant.size = 31

    edit(package, shrink)
    with pytest.raises(
        FileFormatError, match=r"'product' \(linear\).* gives the shape \[2, 32\].*float16 \[2, 31\]"
    ):
        run(package)


def test_one_flipped_weight_is_felt(package: Path, sound: Path) -> None:
    content = bytearray((package / BLOB).read_bytes())
    content[129] ^= 0x40
    (package / BLOB).write_bytes(content)
    assert not np.array_equal(run(package), run(sound))


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ({}, r"needs the input 'x' \(float16 \[2, 32\]\)"),
        ({"x": X.astype(np.float32)}, r"is float32 \[2, 32\]; expected float16 \[2, 32\]"),
        ({"x": X[:1]}, r"is float16 \[1, 32\]; expected float16 \[2, 32\]"),
        ({"x": X, "z": X}, "takes x; z was given as well"),
    ],
)
def test_inputs_that_do_not_fit(sound: Path, inputs: dict[str, np.ndarray], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        Evaluator(read_package(sound)).run("main", inputs)


def test_a_function_that_is_not_there(sound: Path) -> None:
    package: Package = read_package(sound)
    assert list(package.functions) == ["main"]
    with pytest.raises(InputError, match="has no function 'classify'; it has: main"):
        Evaluator(package).run("classify", {"x": X})


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_is_a_sentence_or_harmless(sound: Path, tmp_path: Path, data: st.DataObject) -> None:
    """Bytes changed anywhere in the model or its weights: never another exception, never a crash."""
    path = Path(shutil.copytree(sound, tmp_path / "m.mlpackage", dirs_exist_ok=True))
    file = path / data.draw(st.sampled_from([MODEL, BLOB]))
    content = bytearray((sound / file.relative_to(path)).read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, min(len(content), 3000) - 1))
        content[place] = data.draw(st.integers(0, 255))
    file.write_bytes(content)
    with contextlib.suppress(PocketformerError):
        package = read_package(path)
        package.weight_bytes()
        evaluator = Evaluator(package)
        for name in package.functions:
            evaluator.run(name, {"x": X})
