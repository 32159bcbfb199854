"""Weights in four bits, in blocks of 32 along the input, and an embedding of two values a byte.

Products stay MatMul behind a DequantizeLinear of opset 21: ONNX Runtime joins the two into its own 4-bit
product when it loads the file, so that the file keeps to standard operations.
"""

from __future__ import annotations

import ml_dtypes
import numpy as np
import onnx_ir as ir

from pocketformer.targets.onnx import int8
from pocketformer.targets.onnx.quantizing import blocks_int4
from pocketformer.targets.onnx.rewriting import Rewriter

#: The first with four-bit tensors and blocks.
OPSET = 21

_BLOCK = 32
_LOW = 16  # a byte's upper value counts sixteen times
_ZERO = 8  # values -8 to 7 are stored as 0 to 15


def rewrite(rewriter: Rewriter, weight: ir.Value, activations: dict[ir.Value, int8.Rows]) -> None:
    """Store the weight of the rewriter's node in four bits; in eight where its rows make no whole blocks."""
    assert weight.const_value is not None  # what makes it a weight
    kind, content = rewriter.node.op_type, weight.const_value.numpy()
    if kind == "Gather" and content.shape[1] % (2 * _BLOCK) == 0:
        _embedding(rewriter, weight, content)
    elif kind in ("MatMul", "Gemm") and int8.matrix_of(rewriter.node, weight).shape[0] % _BLOCK == 0:
        _product(rewriter, weight)
    else:
        int8.rewrite(rewriter, weight, activations)


def _product(rewriter: Rewriter, weight: ir.Value) -> None:
    values, scales = blocks_int4(int8.matrix_of(rewriter.node, weight).T, _BLOCK)
    stored = rewriter.constant(f"{weight.name}.int4", values.T, ml_dtypes.int4)
    scale = rewriter.constant(f"{weight.name}.scale", scales.T)
    matrix = rewriter.add("DequantizeLinear", [stored, scale], axis=0, block_size=_BLOCK)
    source = rewriter.node.inputs[0]
    assert source is not None  # of a product
    int8.with_bias(rewriter, rewriter.add("MatMul", [source, matrix]))


def _embedding(rewriter: Rewriter, weight: ir.Value, content: np.ndarray) -> None:
    """Look up rows of bytes, whose lower halves are a row's first half and upper halves its second."""
    values, scales = blocks_int4(content, _BLOCK)
    first, second = np.split((values + _ZERO).astype(np.uint8), 2, axis=1)
    index = rewriter.node.inputs[1]
    assert index is not None  # of a Gather
    packed = rewriter.constant(f"{weight.name}.int4", first + _LOW * second)
    rows = rewriter.add("Gather", [packed, index], "rows", axis=0)
    data = rewriter.add("Cast", [rows], to=ir.DataType.FLOAT)
    upper = rewriter.add(
        "Floor", [rewriter.add("Mul", [data, rewriter.constant("int4/1_16", 1 / _LOW, np.float32)])]
    )
    raised = rewriter.add("Mul", [upper, rewriter.constant("int4/16", _LOW, np.float32)])
    both = rewriter.add("Concat", [rewriter.add("Sub", [data, raised]), upper], axis=-1)
    centred = rewriter.add("Sub", [both, rewriter.constant("int4/zero", _ZERO, np.float32)])
    shape = rewriter.constant(f"int4/blocks_{content.shape[1]}", [0, 0, -1, _BLOCK], np.int64)
    blocks = rewriter.add("Reshape", [centred, shape])
    stored = rewriter.constant(f"{weight.name}.scale", scales[..., None], np.float16)
    scale = rewriter.add("Gather", [stored, index], "scales", axis=0)
    scaled = rewriter.add("Mul", [blocks, rewriter.add("Cast", [scale], to=ir.DataType.FLOAT)])
    flat = rewriter.constant(f"int4/row_{content.shape[1]}", [0, 0, -1], np.int64)
    rewriter.replace(rewriter.add("Reshape", [scaled, flat]))
