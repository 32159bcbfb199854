"""How a weight of PyTorch lies in the operations that read it."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

__all__ = ["HOLDERS", "laid_out", "row_axis"]

_Operator = schema.BuiltinOperator
_T = TypeVar("_T", bound=np.generic)

#: Operation → its input of weights.
HOLDERS = {
    _Operator.FULLY_CONNECTED: 1,
    _Operator.EMBEDDING_LOOKUP: 1,
    _Operator.CONV_2D: 1,
    _Operator.DEPTHWISE_CONV_2D: 1,
}


def laid_out(weight: NDArray[_T], operator: int, shape: tuple[int, ...]) -> NDArray[_T] | None:
    """Return a weight as an operation reads it; None where it has other sizes.

    Args:
        weight: [outputs, inputs, height, width] of a convolution, [rows, columns] of the others.
        operator: Number of the builtin operation.
        shape: Of the tensor in the file: kernels are [outputs, height, width, inputs], and those of one
            input per output [1, height, width, outputs].
    """
    if operator == _Operator.DEPTHWISE_CONV_2D:
        turned = np.moveaxis(weight, 0, -1)
        fits = shape[-1] == weight.shape[0]
    else:
        turned = np.moveaxis(weight, 1, -1)
        fits = shape[0] == weight.shape[0] and shape[-1] == weight.shape[1]
    return np.ascontiguousarray(turned).reshape(shape) if fits and turned.size == np.prod(shape) else None


def row_axis(operator: int) -> int:
    """Return the axis of output channels of an operation's weights."""
    return 3 if operator == _Operator.DEPTHWISE_CONV_2D else 0
