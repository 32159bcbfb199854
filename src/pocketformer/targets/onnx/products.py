"""Products of activations with int8 codes, in integers.

A row of activations (one token) is written as its minimum plus some steps. The product with a weight is then
an integer product scaled per token and per channel, plus the minimum times the channel's sum. ONNX's
DynamicQuantizeLinear knows one scale for all tokens: on a fine-tuned MiniLM its error is three times larger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from pocketformer.targets.onnx.rewriting import Rewriter
from pocketformer.targets.onnx.storage import SCALE, Coded, block_matrix, integer_weight

_MOST_STEPS = 255
_LARGEST_INT16 = 2**15 - 1
_SMALLEST_SCALE = 1e-12


@dataclass(frozen=True, slots=True)
class Rows:
    """Activations [..., tokens, inputs] as uint8, and each token's scale and minimum [..., tokens, 1]."""

    values: ir.Value
    scale: ir.Value
    minimum: ir.Value


def steps_for(codes: Sequence[NDArray[np.int8]]) -> int:
    """Return how many steps activations may have, so that no processor overflows.

    Those without int8 dot products (x86 before VNNI) multiply a uint8 activation by an int8 weight and add
    two such products in 16 saturating bits (VPMADDUBSW): two neighbours of 127 each allow for 129 steps.

    Args:
        codes: Of each weight that the activations are multiplied with, [rows, columns].
    """
    largest = 1
    for values in codes:
        pairs = (
            np.pad(values, ((0, 0), (0, values.shape[1] % 2))).reshape(len(values), -1, 2).astype(np.int16)
        )
        for signed in (pairs, -pairs):
            largest = max(largest, int(np.maximum(signed, 0).sum(axis=2).max(initial=0)))
    return min(_MOST_STEPS, _LARGEST_INT16 // largest)


def rewrite(rewriter: Rewriter, one: Coded, steps: int, activations: dict[ir.Value, Rows]) -> None:
    """Put an integer product in the place of the rewriter's MatMul or Gemm.

    Args:
        rewriter: At the product.
        one: Its weight, integer with a scale per row.
        steps: Of activations.
        activations: Those quantised already: query, key and value share theirs.
    """
    source = rewriter.node.inputs[0]
    assert source is not None  # of a product
    assert one.codes is not None  # an integer weight
    if source not in activations:
        activations[source] = _quantized(rewriter, source, steps)
    rows = activations[source]
    codes = rewriter.add("Transpose", [integer_weight(rewriter, one)], "weight", perm=[1, 0])
    total = rewriter.add("Cast", [rewriter.add("MatMulInteger", [rows.values, codes])], to=ir.DataType.FLOAT)
    halves = rewriter.constant(f"{one.name}.{SCALE}", one.codes.scales.numpy(), np.float16)
    flat = rewriter.constant("int8/flat", [-1], np.int64)
    scales = rewriter.add("Reshape", [rewriter.add("Cast", [halves], to=ir.DataType.FLOAT), flat], "scales")
    sums = one.codes.values.numpy().sum(axis=1, dtype=np.int64)
    sum_of_codes = rewriter.constant(f"{one.name}.sum", sums, np.float32)
    product = rewriter.add("Mul", [total, rows.scale])
    below = rewriter.add("Mul", [rows.minimum, sum_of_codes])
    _replace(rewriter, rewriter.add("Mul", [rewriter.add("Add", [product, below]), scales]))


def rewrite_blocks(rewriter: Rewriter, one: Coded) -> None:
    """Put a product with a DequantizeLinear by blocks in the place of the rewriter's MatMul or Gemm.

    ONNX Runtime joins the two into its own product of few bits when it loads the file, which rounds
    activations by blocks: the file keeps to standard operations.
    """
    source = rewriter.node.inputs[0]
    assert source is not None  # of a product
    _replace(rewriter, rewriter.add("MatMul", [source, block_matrix(rewriter, one)]))


def is_plain(node: ir.Node) -> bool:
    """Whether a node is a product of rows with a matrix, perhaps with a bias, and nothing else."""
    attributes = node.attributes
    return node.op_type == "MatMul" or (
        node.op_type == "Gemm"
        and attributes.get_int("transA", 0) == 0
        and attributes.get_float("alpha", 1.0) == 1.0
        and attributes.get_float("beta", 1.0) == 1.0
    )


def _replace(rewriter: Rewriter, product: ir.Value) -> None:
    """Let a product take the place of the rewriter's MatMul, or with its bias that of its Gemm."""
    bias = rewriter.node.inputs[2] if len(rewriter.node.inputs) > 2 else None
    rewriter.replace(product if bias is None else rewriter.add("Add", [product, bias]))


def _quantized(rewriter: Rewriter, source: ir.Value, steps: int) -> Rows:
    last = rewriter.constant("int8/last_axis", [-1], np.int64)
    highest = rewriter.add("ReduceMax", [source, last], keepdims=1)
    lowest = rewriter.add("ReduceMin", [source, last], keepdims=1)
    step = rewriter.constant(f"int8/step_{steps}", 1 / steps, np.float32)
    scale = rewriter.add("Mul", [rewriter.add("Sub", [highest, lowest]), step])
    smallest = rewriter.constant("int8/smallest_scale", _SMALLEST_SCALE, np.float32)
    scale = rewriter.add("Max", [scale, smallest])
    raised = rewriter.add("Sub", [source, lowest])
    if _is_one_sequence(source):
        per_token = rewriter.add("Reshape", [scale, last])
        # Without a zero point: the rows start at zero, and their type is uint8.
        values = rewriter.add("QuantizeLinear", [raised, per_token], axis=-2)
    else:
        rounded = rewriter.add("Round", [rewriter.add("Div", [raised, scale])])
        values = rewriter.add("Cast", [rounded], to=ir.DataType.UINT8)
    return Rows(values, scale, lowest)


def _is_one_sequence(source: ir.Value) -> bool:
    """Whether QuantizeLinear, which has one axis, can go by token: [tokens, inputs], or ones in front."""
    shape = source.shape
    return shape is not None and len(shape) >= 2 and all(size == 1 for size in list(shape)[:-2])
