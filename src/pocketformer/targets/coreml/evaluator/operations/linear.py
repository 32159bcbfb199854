"""Products of matrices, and attention."""

from __future__ import annotations

import math

import torch
from torch.nn import functional as F

from pocketformer.targets.coreml.evaluator.operations.tensors import array_of, optional_tensor, tensor
from pocketformer.targets.coreml.evaluator.registry import Array, Arrays, operation


@operation("linear")
def linear(x: Array, weight: Array, bias: Array | None = None) -> Array:
    """Return x weight^T + bias: x `[..., in]`, weight `[out, in]`, bias `[out]`."""
    return array_of(F.linear(tensor(x), tensor(weight), optional_tensor(bias)))


@operation("matmul")
def matmul(x: Array, y: Array, transpose_x: bool = False, transpose_y: bool = False) -> Array:
    """Return the product of the last two axes, the leading ones broadcast."""
    left = tensor(x).transpose(-1, -2) if transpose_x else tensor(x)
    right = tensor(y).transpose(-1, -2) if transpose_y else tensor(y)
    return array_of(left @ right)


@operation("einsum")
def einsum(values: Arrays, equation: str) -> Array:
    """Return the sum of products that `equation` writes out, as torch reads it."""
    return array_of(torch.einsum(equation, *map(tensor, values)))


@operation("scaled_dot_product_attention")
def attention(query: Array, key: Array, value: Array, attn_mask: Array | None = None) -> Array:
    """Return softmax(query key^T / sqrt(width) + mask) value, in one rounding.

    A Boolean mask says who may be attended to; any other is added.
    """
    scores = tensor(query) @ tensor(key).transpose(-1, -2) / math.sqrt(query.shape[-1])
    if attn_mask is not None and attn_mask.dtype == bool:
        scores = scores.masked_fill(~tensor(attn_mask), -math.inf)
    elif attn_mask is not None:
        scores = scores + tensor(attn_mask)
    return array_of(torch.softmax(scores, -1) @ tensor(value))
