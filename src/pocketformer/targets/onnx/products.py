"""Products of activations with int8 codes, in integers.

A row of activations (one token) is written as its minimum plus some steps. The product with a weight is then
an integer product scaled per token and per channel, plus the minimum times the channel's sum. ONNX's
DynamicQuantizeLinear knows one scale for all tokens: on a fine-tuned MiniLM its error is three times larger.

Processors without int8 dot products (x86 before VNNI) multiply a uint8 activation by an int8 weight and add
two such products in 16 saturating bits (VPMADDUBSW). On MiniLM that makes an error of 0.8 % one of 4 %.
So a file tries it out, in a product of constants: where that is wrong, activations have as few steps as keep
every sum in 16 bits (an error of 1.4 %), and elsewhere all 255. ONNX Runtime does so once, when it loads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from pocketformer.targets.onnx.rewriting import Rewriter
from pocketformer.targets.onnx.storage import SCALE, Coded, block_matrix, integer_weight

_MOST_STEPS = 255
_LARGEST_INT16 = 2**15 - 1
_LARGEST_CODE = 127
_SMALLEST_SCALE = 1e-12
_TRIED = (4, 8, 16)  # rows, inputs and outputs of the product that is tried out


@dataclass(frozen=True, slots=True)
class Rows:
    """Activations [..., tokens, inputs] as uint8, and each token's scale and minimum [..., tokens, 1]."""

    values: ir.Value
    scale: ir.Value
    minimum: ir.Value


@dataclass(slots=True)
class Activations:
    """What products of one graph share.

    Attributes:
        steps: By name of a product, for processors that add two in 16 bits.
        rows: Those quantised already: query, key and value share theirs.
        is_exact: Whether the processor adds without saturating, a bool once it is known to be of interest.
    """

    steps: Mapping[str, int]
    rows: dict[ir.Value, Rows] = field(default_factory=dict)
    is_exact: ir.Value | None = None


def steps_for(codes: Sequence[NDArray[np.int8]]) -> int:
    """Return how many steps activations may have, so that two products fit into 16 bits: 129 at least.

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


def rewrite(rewriter: Rewriter, one: Coded, activations: Activations) -> None:
    """Put an integer product in the place of the rewriter's MatMul or Gemm.

    Args:
        rewriter: At the product.
        one: Its weight, integer with a scale per row.
        activations: Of the graph.
    """
    source = rewriter.node.inputs[0]
    assert source is not None  # of a product
    assert one.codes is not None  # an integer weight
    if source not in activations.rows:
        activations.rows[source] = _quantized(rewriter, source, activations)
    rows = activations.rows[source]
    codes = rewriter.add("Transpose", [integer_weight(rewriter, one)], "weight", perm=[1, 0])
    total = rewriter.add("Cast", [rewriter.add("MatMulInteger", [rows.values, codes])], to=ir.DataType.FLOAT)
    halves = rewriter.constant(f"{one.name}.{SCALE}", one.codes.scales.numpy(), np.float16)
    flat = rewriter.constant("int8/flat", [-1], np.int64)
    scales = rewriter.add("Reshape", [rewriter.add("Cast", [halves], to=ir.DataType.FLOAT), flat], "scales")
    product = rewriter.add("Mul", [total, rows.scale])
    below = rewriter.add("Mul", [rows.minimum, _sums(rewriter, codes, one.columns)])
    _replace(rewriter, rewriter.add("Mul", [rewriter.add("Add", [product, below]), scales]))


def rewrite_blocks(rewriter: Rewriter, one: Coded) -> None:
    """Put a product with a DequantizeLinear by blocks in the place of the rewriter's MatMul or Gemm.

    ONNX Runtime joins the two into its own product of few bits when it loads the file, which rounds
    activations by blocks: the file keeps to standard operations.
    """
    source = rewriter.node.inputs[0]
    assert source is not None  # of a product
    _replace(rewriter, rewriter.add("MatMul", [source, block_matrix(rewriter, one)]))


def is_plain(node: ir.Node, transposed: bool) -> bool:
    """Whether a node is a product with a matrix [outputs, inputs], perhaps with a bias, and nothing else.

    Args:
        node: Any.
        transposed: Whether it reads the matrix as [inputs, outputs].
    """
    attributes = node.attributes
    if node.op_type == "MatMul":
        return transposed
    return (
        node.op_type == "Gemm"
        and (attributes.get_int("transB", 0) == 1) != transposed
        and attributes.get_int("transA", 0) == 0
        and attributes.get_float("alpha", 1.0) == 1.0
        and attributes.get_float("beta", 1.0) == 1.0
    )


def _sums(rewriter: Rewriter, codes: ir.Value, inputs: int) -> ir.Value:
    """Append the sums of codes [inputs, outputs] over inputs: float32 [1, outputs], which holds them exactly.

    A product with ones never has the codes as floats, which would be four times the weight when a file loads.
    """
    ones = rewriter.constant(f"int8/ones_{inputs}", np.ones((1, inputs)), np.uint8)
    return rewriter.add(
        "Cast", [rewriter.add("MatMulInteger", [ones, codes], "sums")], "sums", to=ir.DataType.FLOAT
    )


def _replace(rewriter: Rewriter, product: ir.Value) -> None:
    """Let a product take the place of the rewriter's MatMul, or with its bias that of its Gemm."""
    bias = rewriter.node.inputs[2] if len(rewriter.node.inputs) > 2 else None
    rewriter.replace(product if bias is None else rewriter.add("Add", [product, bias]))


def _quantized(rewriter: Rewriter, source: ir.Value, activations: Activations) -> Rows:
    last = rewriter.constant("int8/last_axis", [-1], np.int64)
    highest = rewriter.add("ReduceMax", [source, last], keepdims=1)
    lowest = rewriter.add("ReduceMin", [source, last], keepdims=1)
    step = _step(rewriter, activations)
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


def _step(rewriter: Rewriter, activations: Activations) -> ir.Value:
    """Return 1 / steps, a scalar."""
    most = rewriter.constant(f"int8/step_{_MOST_STEPS}", 1 / _MOST_STEPS, np.float32)
    steps = activations.steps[rewriter.node.name or ""]
    if steps == _MOST_STEPS:
        return most
    if activations.is_exact is None:
        activations.is_exact = _tried_out(rewriter)
    fewer = rewriter.constant(f"int8/step_{steps}", 1 / steps, np.float32)
    return rewriter.add("Where", [activations.is_exact, most, fewer], "step")


def _tried_out(rewriter: Rewriter) -> ir.Value:
    """Append a product of the largest numbers, and whether it is right: a bool."""
    rows, inputs, outputs = _TRIED
    left = rewriter.constant("int8/tried_activations", np.full((rows, inputs), _MOST_STEPS), np.uint8)
    right = rewriter.constant("int8/tried_codes", np.full((inputs, outputs), _LARGEST_CODE), np.int8)
    total = rewriter.constant("int8/tried_total", inputs * _MOST_STEPS * _LARGEST_CODE, np.int32)
    found = rewriter.add("MatMulInteger", [left, right], "tried")
    return rewriter.add("Equal", [rewriter.add("ReduceMin", [found], "tried", keepdims=0), total], "tried")


def _is_one_sequence(source: ir.Value) -> bool:
    """Whether QuantizeLinear, which has one axis, can go by token: [tokens, inputs], or ones in front."""
    shape = source.shape
    return shape is not None and len(shape) >= 2 and all(size == 1 for size in list(shape)[:-2])
