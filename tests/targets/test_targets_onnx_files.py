"""Any .onnx file: a stranger's, a damaged one, one with its weights elsewhere; and what opening leaves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import pocketformer
from pocketformer.errors import FileFormatError, InputError
from pocketformer.program import Program, Shapes
from pocketformer.targets import ANY, target_of
from pocketformer.targets import onnx as target
from tiny import tiny_checkpoint


def save(path: Path, graph: onnx.GraphProto, opset: int = 13, ir_version: int = 7, **domains: int) -> Path:
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(*item) for item in domains.items())]
    onnx.save(helper.make_model(graph, opset_imports=imports, ir_version=ir_version), path)
    return path


@pytest.fixture
def image_net(tmp_path: Path) -> Path:
    """A net as the model zoo has them: a batch of any size, no metadata, a subgraph, a Constant node."""
    draw = np.random.default_rng(0)
    kernel = numpy_helper.from_array(draw.normal(size=(4, 3, 3, 3)).astype(np.float32), "kernel")
    matrix = numpy_helper.from_array(draw.normal(size=(4, 5)).astype(np.float32), "matrix")
    branches = [
        helper.make_graph(
            [helper.make_node(kind, ["pooled"], [f"{kind}_out"])],
            kind,
            [],
            [helper.make_tensor_value_info(f"{kind}_out", TensorProto.FLOAT, None)],
        )
        for kind in ("Relu", "Identity")
    ]
    always = helper.make_tensor("always", TensorProto.BOOL, [1], [True])
    nodes = [
        helper.make_node("Conv", ["image", "kernel"], ["features"], pads=[1, 1, 1, 1]),
        helper.make_node("GlobalAveragePool", ["features"], ["pooled"]),
        helper.make_node("Constant", [], ["condition"], value=always),
        helper.make_node("If", ["condition"], ["chosen"], then_branch=branches[0], else_branch=branches[1]),
        helper.make_node("Flatten", ["chosen"], ["flat"]),
        helper.make_node("MatMul", ["flat", "matrix"], ["scores"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, 8, 8])
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", 5])
    # Old exporters list the weights among the inputs as well.
    listed = helper.make_tensor_value_info("matrix", TensorProto.FLOAT, [4, 5])
    graph = helper.make_graph(nodes, "net", [image, listed], [scores], [kernel, matrix])
    return save(tmp_path / "net.onnx", graph)


def test_a_strangers_file_is_described(image_net: Path) -> None:
    card = target_of(image_net).describe(image_net)
    (signature,) = card.signatures
    assert signature.name == "serving_default"
    assert [(one.name, one.dtype, one.shape) for one in signature.inputs] == [
        ("image", "float32", (ANY, 3, 8, 8))
    ]
    assert signature.output("scores").shape == (ANY, 5)
    assert {one.name: one.count for one in card.operations} == {
        "Constant": 1, "Conv": 1, "Flatten": 1, "GlobalAveragePool": 1, "Identity": 1, "If": 1,
        "MatMul": 1, "Relu": 1,
    }  # fmt: skip
    assert card.weight_bytes == {"bool": 1, "float32": 4 * (4 * 27 + 20)}
    assert (card.runtime.release, card.runtime.stated) == ("1.6", "opset 13")
    assert card.labels == ()
    assert card.metadata == {}


def test_a_strangers_file_runs_as_it_is(image_net: Path) -> None:
    session = target.open(image_net)
    for batch in (1, 3):
        image = np.ones((batch, 3, 8, 8), np.float32)
        assert session.run("serving_default", {"image": image})["scores"].shape == (batch, 5)
    values = dict(session.trace("serving_default", {"image": image}))
    assert list(values) == ["features", "pooled", "chosen", "flat", "scores"]
    with pytest.raises(InputError, match=r"'image' of 'serving_default' is float64 \[1, 3, 8, 8\]"):
        session.run("serving_default", {"image": np.ones((1, 3, 8, 8))})
    with pytest.raises(InputError, match="takes no text"):
        pocketformer.open(image_net).tokenize("hello")


def test_operations_of_other_domains_are_told(tmp_path: Path) -> None:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    nodes = [
        helper.make_node("Gelu", ["x"], ["y"], domain="com.microsoft"),
        helper.make_node("Shuffle", ["y"], ["z"], domain="my.own"),
    ]
    result = helper.make_tensor_value_info("z", TensorProto.FLOAT, [1])
    graph = helper.make_graph(nodes, "own", [value], [result])
    path = save(tmp_path / "own.onnx", graph, **{"com.microsoft": 1, "my.own": 3})
    card = target.describe(path)
    assert [(one.name, one.version, one.builtin) for one in card.operations] == [
        ("my.own.Shuffle", 3, False),
        ("com.microsoft.Gelu", 1, True),
    ]
    assert card.runtime.unknown == ("com.microsoft.Gelu", "my.own.Shuffle")
    with pytest.raises(FileFormatError, match=r"ONNX Runtime .* does not open .*own\.onnx"):
        target.open(path)


@pytest.mark.parametrize(
    ("opset", "ir_version", "release", "reason"),
    [
        (7, 3, "0.1", "opset 7"),
        (15, 8, "1.9", "opset 15"),
        (17, 8, "1.12", "opset 17"),
        (17, 10, "1.18", "IR version 10"),
        (20, 9, "1.17", "opset 20"),
        (99, 8, None, "opset 99"),
    ],
)
def test_the_verdict_follows_opset_and_ir_version(
    opset: int, ir_version: int, release: str | None, reason: str, tmp_path: Path
) -> None:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [value], [result])
    verdict = target.describe(save(tmp_path / "g.onnx", graph, opset, ir_version)).runtime
    assert (verdict.release, verdict.reason) == (release, reason)


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ours")
    source = tiny_checkpoint(folder / "e")
    target.export(
        Program.of_tokenizer(str(source), Shapes((16,), 64)).only("tokenize"), "fp32", folder / "t.onnx"
    )
    return folder / "t.onnx"


def test_damaged_files_are_refused_with_a_sentence(ours: Path, tmp_path: Path) -> None:
    content, path = ours.read_bytes(), tmp_path / "cut.onnx"
    for part in (0.001, 0.1, 0.5, 0.9, 0.999, 0.99999):
        path.write_bytes(content[: int(len(content) * part)])
        for verb in (target.describe, target.open):
            with pytest.raises(FileFormatError, match=r"cut\.onnx .*(cut short or damaged|is empty)"):
                verb(path)
    for other in (
        b"\x1c\x00\x00\x00TFL3",
        b"hello, world",
        b"PK\x03\x04" + bytes(40),
        bytes(100),
        b"\xff" * 64,
    ):
        path.write_bytes(other)
        with pytest.raises(FileFormatError, match="is no ONNX file, or it is cut short or damaged"):
            target.describe(path)


def test_bytes_that_change_never_crash_the_reader(ours: Path, tmp_path: Path) -> None:
    """Each damage is either seen or harmless to the card; nothing else is raised."""
    content, draw = ours.read_bytes(), np.random.default_rng(0)
    path = tmp_path / "changed.onnx"
    refused = 0
    for position in draw.integers(0, len(content), 150):
        changed = bytearray(content)
        changed[position] ^= int(draw.integers(1, 256))
        path.write_bytes(changed)
        try:
            target.describe(path)
        except FileFormatError:
            refused += 1
    path.write_bytes(bytes(content[:2]) + bytes(draw.integers(0, 256, 500, dtype=np.uint8)))
    with pytest.raises(FileFormatError):
        target.describe(path)
    assert refused < 150


def test_absent_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(
        FileFormatError, match=r"absent\.onnx does not exist; give the path of an \.onnx file"
    ):
        pocketformer.open(tmp_path / "absent.onnx")
    (tmp_path / "folder.onnx").mkdir()
    with pytest.raises(FileFormatError, match=r"folder\.onnx is a directory"):
        pocketformer.open(tmp_path / "folder.onnx")


def test_weights_in_another_file_are_counted_as_described(image_net: Path, tmp_path: Path) -> None:
    path = tmp_path / "outside.onnx"
    onnx.save(onnx.load(image_net), path, save_as_external_data=True, size_threshold=16, location="data.bin")
    assert target.describe(path).weight_bytes["float32"] == 4 * (4 * 27 + 20)
    image = {"image": np.ones((1, 3, 8, 8), np.float32)}
    expected = target.open(image_net).run("serving_default", image)["scores"]
    assert np.allclose(target.open(path).run("serving_default", image)["scores"], expected)
    (tmp_path / "data.bin").unlink()
    with pytest.raises(FileFormatError, match="does not open"):
        target.open(path)


ALONE = """
import sys
import pocketformer
model = pocketformer.open(sys.argv[1])
print(int(model.tokenize("hello").count), sorted({"onnx", "onnx_ir", "torch"} & set(sys.modules)))
"""


def test_opening_leaves_no_trace_and_needs_the_runtime_alone(ours: Path, tmp_path: Path) -> None:
    """ONNX Runtime's wheels write a device id and a queue of reports into the home otherwise."""
    home = tmp_path / "home"
    home.mkdir()
    environment = {key: value for key, value in os.environ.items() if key != "ORT_DISABLE_TELEMETRY"}
    environment |= {"HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache")}
    worker = subprocess.run(
        [sys.executable, "-c", ALONE, str(ours)], capture_output=True, text=True, check=True, env=environment
    )
    assert worker.stdout.split(" ", 1)[1].strip() == "[]"
    assert worker.stderr == ""
    assert list(home.rglob("*")) == []
