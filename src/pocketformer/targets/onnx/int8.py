"""Weights in int8, and products in integers.

A row of activations (one token) is written as its minimum plus 0 to 255 steps. The product with a weight is
then an integer product scaled per token and per channel, plus the minimum times the channel's sum. ONNX's
DynamicQuantizeLinear knows one scale for all tokens: on a fine-tuned MiniLM its error is three times larger.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from pocketformer.targets.onnx.quantizing import columns_int8, rows_int8
from pocketformer.targets.onnx.rewriting import Rewriter

_STEPS = 255
_SMALLEST_SCALE = 1e-12


@dataclass(frozen=True, slots=True)
class Rows:
    """Activations [1, tokens, inputs] as uint8, with the scale and minimum of each token [1, tokens, 1]."""

    values: ir.Value
    scale: ir.Value
    minimum: ir.Value


def rewrite(rewriter: Rewriter, weight: ir.Value, activations: dict[ir.Value, Rows]) -> None:
    """Store the weight of the rewriter's node in int8.

    Args:
        rewriter: At a Gather, MatMul, Gemm or Conv.
        weight: Its float32 weight.
        activations: Those quantised already: query, key and value share theirs.
    """
    kind = rewriter.node.op_type
    if kind == "Gather":
        _embedding(rewriter, weight)
    elif kind == "Conv":
        _convolution(rewriter, weight)
    else:
        _product(rewriter, weight, activations)


def matrix_of(node: ir.Node, weight: ir.Value) -> np.ndarray:
    """Return the weight of a MatMul or Gemm as [inputs, outputs]."""
    assert weight.const_value is not None  # what makes it a weight
    content: np.ndarray = weight.const_value.numpy()
    is_transposed = node.op_type == "Gemm" and node.attributes.get_int("transB", 0) == 1
    return content.T if is_transposed else content


def with_bias(rewriter: Rewriter, product: ir.Value) -> None:
    """Let a product take the place of the rewriter's MatMul, or with its bias that of its Gemm."""
    bias = rewriter.node.inputs[2] if len(rewriter.node.inputs) > 2 else None
    rewriter.replace(product if bias is None else rewriter.add("Add", [product, bias]))


def _embedding(rewriter: Rewriter, weight: ir.Value) -> None:
    """Look up int8 rows and their scales; only those rows become float32."""
    assert weight.const_value is not None  # what makes it a weight
    values, scales = rows_int8(weight.const_value.numpy())
    index = rewriter.node.inputs[1]
    assert index is not None  # of a Gather
    rows = rewriter.add("Gather", [rewriter.constant(f"{weight.name}.int8", values), index], "rows", axis=0)
    scale = rewriter.add(
        "Gather", [rewriter.constant(f"{weight.name}.scale", scales), index], "scales", axis=0
    )
    rewriter.replace(rewriter.add("Mul", [rewriter.add("Cast", [rows], to=ir.DataType.FLOAT), scale]))


def _convolution(rewriter: Rewriter, weight: ir.Value) -> None:
    """Store a kernel in int8; it is computed in float32, as ONNX has no integer one with float32 channels."""
    assert weight.const_value is not None  # what makes it a weight
    content = weight.const_value.numpy()
    values, scales = rows_int8(content.reshape(len(content), -1))
    stored = rewriter.constant(f"{weight.name}.int8", values.reshape(content.shape))
    scale = rewriter.constant(f"{weight.name}.scale", scales.reshape(-1, *[1] * (content.ndim - 1)))
    kernel = rewriter.add("Mul", [rewriter.add("Cast", [stored], to=ir.DataType.FLOAT), scale], "weight")
    rewriter.node.replace_input_with(1, kernel)


def _product(rewriter: Rewriter, weight: ir.Value, activations: dict[ir.Value, Rows]) -> None:
    source = rewriter.node.inputs[0]
    assert source is not None  # of a product
    if source not in activations:
        activations[source] = _quantized(rewriter, source)
    rows = activations[source]
    values, scales = columns_int8(matrix_of(rewriter.node, weight))
    sums = values.sum(axis=0, dtype=np.int64) * scales.astype(np.float64)
    total = rewriter.add("MatMulInteger", [rows.values, rewriter.constant(f"{weight.name}.int8", values)])
    product = rewriter.add("Cast", [total], to=ir.DataType.FLOAT)
    product = rewriter.add("Mul", [product, rows.scale])
    product = rewriter.add("Mul", [product, rewriter.constant(f"{weight.name}.scale", scales)])
    below = rewriter.add("Mul", [rows.minimum, rewriter.constant(f"{weight.name}.sum", sums, np.float32)])
    with_bias(rewriter, rewriter.add("Add", [product, below]))


def _quantized(rewriter: Rewriter, source: ir.Value) -> Rows:
    last = rewriter.constant("int8/last_axis", [-1], np.int64)
    highest = rewriter.add("ReduceMax", [source, last], keepdims=1)
    lowest = rewriter.add("ReduceMin", [source, last], keepdims=1)
    step = rewriter.constant("int8/step", 1 / _STEPS, np.float32)
    scale = rewriter.add("Mul", [rewriter.add("Sub", [highest, lowest]), step])
    scale = rewriter.add(
        "Max", [scale, rewriter.constant("int8/smallest_scale", _SMALLEST_SCALE, np.float32)]
    )
    per_token = rewriter.add("Reshape", [scale, last])
    # Without a zero point: the rows start at zero, and their type is uint8.
    values = rewriter.add("QuantizeLinear", [rewriter.add("Sub", [source, lowest]), per_token], axis=-2)
    return Rows(values, scale, lowest)
