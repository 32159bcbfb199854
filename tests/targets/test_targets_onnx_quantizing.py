"""Numbers of few bits, integer products and the writing of files: exact, and right on every processor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pocketformer.errors import ExportError
from pocketformer.plan import Plan, WeightFormat
from pocketformer.targets.onnx.engine import Engine
from pocketformer.targets.onnx.opsets import DEFAULT_OPSET
from pocketformer.targets.onnx.packing import packed, plane_widths, unpacked
from pocketformer.targets.onnx.products import steps_for
from pocketformer.targets.onnx.rewriting import Rewriter
from pocketformer.targets.onnx.storage import coded
from pocketformer.targets.onnx.writing import write_model


def graph_with(weight: ir.TensorProtocol) -> ir.Model:
    stored = ir.Value(name="layer.weight", const_value=weight)
    source = ir.Value(name="x", type=ir.TensorType(ir.DataType.FLOAT), shape=ir.Shape([1, 2]))
    node = ir.node("MatMul", [source, stored], name="layer/MatMul")
    node.outputs[0].name, node.outputs[0].type = "y", ir.TensorType(ir.DataType.FLOAT)
    opsets = {"": DEFAULT_OPSET}
    graph = ir.Graph([source], node.outputs, nodes=[node], initializers=[stored], opset_imports=opsets)
    graph.name = "g"
    return ir.Model(graph, ir_version=8)


@given(
    bits=st.integers(1, 8), rows=st.integers(1, 4), columns=st.integers(1, 21), seed=st.integers(0, 2**32 - 1)
)
def test_packed_numbers_come_back(bits: int, rows: int, columns: int, seed: int) -> None:
    """From standard operations alone, also where a row does not fill its last byte."""
    numbers = np.random.default_rng(seed).integers(0, 2**bits, (rows, columns)).astype(np.uint8)
    planes = packed(numbers, bits)
    assert sum(planes) == bits
    assert {plane.dtype for plane in planes.values()} == {np.dtype(np.uint8)}
    assert sum(plane.shape[1] for plane in planes.values()) <= -(-columns * bits // 8) + len(planes)
    model = graph_with(ir.tensor(np.ones((2, 1), np.float32)))
    rewriter = Rewriter(model.graph)
    rewriter.node = model.graph[0]
    stored = {width: rewriter.constant(f"plane{width}", plane) for width, plane in planes.items()}
    rewriter.replace(unpacked(rewriter, stored, columns, rank=2))
    engine = Engine(bytes(ir.to_proto(model).SerializeToString()), "numbers", 1)
    found = engine.run(["y"], {"x": np.zeros((1, 2), np.float32)}, "g")["y"]
    assert np.array_equal(found, numbers.astype(np.float32))


def test_planes_fill_bytes() -> None:
    assert [plane_widths(bits) for bits in range(1, 9)] == [
        (1,), (2,), (2, 1), (4,), (4, 1), (4, 2), (4, 2, 1), (8,),
    ]  # fmt: skip


@given(
    seed=st.integers(0, 2**32 - 1), columns=st.integers(1, 9), highest=st.sampled_from([1, 7, 31, 63, 127])
)
def test_no_two_products_of_a_row_overflow_16_bits(seed: int, columns: int, highest: int) -> None:
    draw = np.random.default_rng(seed)
    codes = draw.integers(-highest, highest + 1, (5, columns)).astype(np.int8)
    steps = steps_for([codes, codes[:1]])
    padded = np.pad(codes.astype(np.int64), ((0, 0), (0, columns % 2))).reshape(5, -1, 2)
    upward, downward = np.maximum(padded, 0).sum(axis=2).max(), np.minimum(padded, 0).sum(axis=2).min()
    assert steps * upward < 2**15
    assert steps * downward >= -(2**15)
    assert steps >= 129
    assert highest == 127 or steps == 255


def test_a_weight_beyond_float16_is_named() -> None:
    large = torch.full((2, 2), 7e4)
    with pytest.raises(
        ExportError, match=r"The layer 'dense' holds 7e\+04, which fp16 cannot hold .* 65,504"
    ):
        coded("dense", large, WeightFormat.parse("fp16"), Plan.named("fp16"))
    coded("dense", large, WeightFormat.parse("int8"), Plan.named("int8"))
    with pytest.raises(ExportError, match=r"The layer 'dense' holds 7e\+07, which int8 cannot hold"):
        coded("dense", large * 1000, WeightFormat.parse("int8"), Plan.named("int8"))


def test_more_than_two_gigabytes_are_refused(tmp_path: Path) -> None:
    def never() -> ir.TensorProtocol:
        raise AssertionError("the size alone tells")

    large = ir.LazyTensor(never, dtype=ir.DataType.FLOAT, shape=ir.Shape([2**15, 2**15]), name="layer.weight")
    with pytest.raises(ExportError, match=r"come to 4\.29 GB and an ONNX file ends at 2 GB"):
        write_model(graph_with(large), tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []
