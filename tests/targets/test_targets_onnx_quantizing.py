"""Weights as small integers: bounded error, and no overflow on processors that add products in 16 bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketformer.errors import ExportError
from pocketformer.targets.onnx import float16
from pocketformer.targets.onnx.quantizing import blocks_int4, columns_int8, rows_int8
from pocketformer.targets.onnx.rewriting import Rewriter
from pocketformer.targets.onnx.writing import write_model


@given(
    seed=st.integers(0, 2**32 - 1), rows=st.integers(1, 9), kind=st.sampled_from(["normal", "equal", "zero"])
)
def test_no_two_products_of_a_column_overflow_16_bits(seed: int, rows: int, kind: str) -> None:
    draw = np.random.default_rng(seed)
    matrix = {
        "normal": draw.normal(size=(rows, 5)),
        "equal": np.full((rows, 5), draw.normal()),
        "zero": np.zeros((rows, 5)),
    }[kind].astype(np.float32)
    values, scales = columns_int8(matrix)
    padded = np.concatenate([values.astype(np.int64), np.zeros((rows % 2, 5), np.int64)]).reshape(-1, 2, 5)
    upward, downward = np.maximum(padded, 0).sum(axis=1), np.minimum(padded, 0).sum(axis=1)
    assert 255 * upward.max() < 2**15
    assert 255 * downward.min() >= -(2**15)
    assert (np.abs(values * scales - matrix) <= scales * 0.5001).all()


def test_rows_are_off_by_half_a_step_at_most() -> None:
    matrix = np.random.default_rng(0).normal(size=(6, 40)).astype(np.float32) * np.logspace(-3, 3, 6)[:, None]
    values, scales = rows_int8(matrix.astype(np.float32))
    assert np.abs(values).max(axis=1).tolist() == [127] * 6
    assert (np.abs(values * scales - matrix) <= scales * 0.5001).all()


def test_blocks_keep_their_own_scale() -> None:
    matrix = np.random.default_rng(0).normal(size=(4, 64)).astype(np.float32)
    matrix[:, 32:] *= 1000
    values, scales = blocks_int4(matrix, 32)
    assert values.min() >= -8
    assert values.max() <= 7
    restored = values.reshape(4, 2, 32) * scales[..., None]
    error = np.linalg.norm(restored - matrix.reshape(4, 2, 32), axis=2)
    assert (error / np.linalg.norm(matrix.reshape(4, 2, 32), axis=2) < 0.12).all()


def graph_with(weight: ir.TensorProtocol) -> ir.Model:
    stored = ir.Value(name="layer.weight", const_value=weight)
    source = ir.Value(name="x", type=ir.TensorType(ir.DataType.FLOAT), shape=ir.Shape([1, 2]))
    node = ir.node("MatMul", [source, stored], name="layer/MatMul")
    graph = ir.Graph(
        [source], node.outputs, nodes=[node], initializers=[stored], opset_imports={"": 17}, name="g"
    )
    return ir.Model(graph, ir_version=8)


def test_a_weight_beyond_float16_is_named() -> None:
    model = graph_with(ir.tensor(np.full((2, 2), 7e4, np.float32)))
    rewriter = Rewriter(model.graph)
    rewriter.node = model.graph[0]
    with pytest.raises(ExportError, match=r"layer\.weight holds 7e\+04, beyond float16's 65,504"):
        float16.rewrite(rewriter, model.graph.initializers["layer.weight"])


def test_more_than_two_gigabytes_are_refused(tmp_path: Path) -> None:
    def never() -> ir.TensorProtocol:
        raise AssertionError("the size alone tells")

    large = ir.LazyTensor(never, dtype=ir.DataType.FLOAT, shape=ir.Shape([2**15, 2**15]), name="layer.weight")
    with pytest.raises(ExportError, match=r"come to 4\.29 GB and an ONNX file ends at 2 GB"):
        write_model(graph_with(large), tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []
