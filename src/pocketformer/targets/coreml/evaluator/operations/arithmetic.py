"""Arithmetic and comparison, element by element, as numpy broadcasts. Integers wrap at their own width."""

from __future__ import annotations

import numpy as np

from pocketformer.targets.coreml.evaluator.operations.tensors import array_of, tensor
from pocketformer.targets.coreml.evaluator.registry import Array, elementwise, operation

elementwise(
    {
        "add": np.add, "sub": np.subtract, "mul": np.multiply, "floor_div": np.floor_divide, "mod": np.mod,
        "real_div": np.true_divide, "pow": np.power,
    },
    "x", "y",
)  # fmt: skip
elementwise(
    {
        "maximum": np.maximum, "minimum": np.minimum,
        "equal": np.equal, "not_equal": np.not_equal, "less": np.less, "less_equal": np.less_equal,
        "greater": np.greater, "greater_equal": np.greater_equal,
        "logical_and": np.logical_and, "logical_or": np.logical_or, "logical_xor": np.logical_xor,
    },
    "x", "y", exact=True,
)  # fmt: skip
elementwise(
    {
        "acos": np.arccos, "asin": np.arcsin, "atan": np.arctan, "atanh": np.arctanh, "cos": np.cos,
        "cosh": np.cosh, "exp": np.exp, "exp2": np.exp2, "sin": np.sin, "sinh": np.sinh, "sqrt": np.sqrt,
        "square": np.square, "tan": np.tan, "tanh": np.tanh,
    },
    "x",
)  # fmt: skip
elementwise(
    {
        "abs": np.abs, "ceil": np.ceil, "floor": np.floor, "round": np.rint, "sign": np.sign,
        "logical_not": np.logical_not,
    },
    "x", exact=True,
)  # fmt: skip


@operation("identity", exact=True)
def identity(x: Array) -> Array:
    """Return the value itself."""
    return x


@operation("cast")
def cast(x: Array, dtype: str) -> Array:
    """Return the value; its declared type does the rest: floats are cut towards zero, integers wrap."""
    return x


@operation("erf")
def erf(x: Array) -> Array:
    """Return the error function."""
    return array_of(tensor(x).erf())


@operation("rsqrt")
def rsqrt(x: Array, epsilon: float = 1e-12) -> Array:
    """Return 1 / sqrt(x + epsilon)."""
    return np.asarray(1 / np.sqrt(x + np.float32(epsilon)))


@operation("log")
def log(x: Array, epsilon: float = 1e-45) -> Array:
    """Return the natural logarithm of x + epsilon."""
    return np.asarray(np.log(x + np.float32(epsilon)))


@operation("inverse")
def inverse(x: Array, epsilon: float = 1e-4) -> Array:
    """Return 1 / (x + epsilon)."""
    return np.asarray(1 / (x + np.float32(epsilon)))


@operation("clip", exact=True)
def clip(x: Array, alpha: Array, beta: Array) -> Array:
    """Return x held between `alpha` and `beta`."""
    return np.asarray(np.minimum(np.maximum(x, alpha), beta))


@operation("threshold", exact=True)
def threshold(x: Array, alpha: Array) -> Array:
    """Return x, and no less than `alpha`."""
    return np.asarray(np.maximum(x, alpha))


@operation("select", exact=True)
def select(cond: Array, a: Array, b: Array) -> Array:
    """Return `a` where the condition holds, and `b` elsewhere."""
    return np.where(cond, a, b)
