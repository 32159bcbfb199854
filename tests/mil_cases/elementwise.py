"""Arithmetic, comparison, activations and casts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mil_cases.case import AS_GIVEN, BIG, COLUMN, HALF_STEPS, POSITIVE, ROW, SMALL, X, Y, case, normal

_BINARY: dict[str, Callable[..., Tensor]] = {
    "add": torch.add, "sub": torch.sub, "mul": torch.mul, "real_div": torch.div,
    "floor_div": torch.floor_divide, "mod": torch.remainder,
    "maximum": torch.maximum, "minimum": torch.minimum,
    "equal": torch.eq, "not_equal": torch.ne, "less": torch.lt, "less_equal": torch.le,
    "greater": torch.gt, "greater_equal": torch.ge,
}  # fmt: skip


def _constant_first(name: str) -> Callable[..., Any]:
    return lambda mb, c, x: getattr(mb, name)(x=c(1.5), y=x)


for _name, _function in _BINARY.items():
    for _note, _other in {"same": Y, "row": ROW, "column": COLUMN}.items():
        case(_name, _function, X, _other, note=_note)
    case(
        _name,
        lambda x, function=_function: function(torch.full_like(x, 1.5), x),
        X,
        note="constant first",
        build=_constant_first(_name),
    )
    if _name != "real_div":
        case(_name, _function, BIG, SMALL, note="int32", dtypes=AS_GIVEN)
case("pow", torch.pow, POSITIVE, ROW, ulp=4)

_TRUTH = {"logical_and": torch.logical_and, "logical_or": torch.logical_or, "logical_xor": torch.logical_xor}


def _of_signs(name: str) -> Callable[..., Any]:
    return lambda mb, c, *xs: getattr(mb, name)(
        **{key: mb.greater(x=x, y=c(0)) for key, x in zip("xy", xs, strict=False)}
    )


for _name, _function in _TRUTH.items():
    case(_name, lambda x, y, f=_function: f(x > 0, y > 0), X, ROW, build=_of_signs(_name))
case("logical_not", lambda x: ~(x > 0), X, build=_of_signs("logical_not"))
case(
    "select",
    lambda x, y: torch.where(x > 0, x, y),
    X,
    ROW,
    build=lambda mb, c, x, y: mb.select(cond=mb.greater(x=x, y=c(0)), a=x, b=y),
)
case("clip", lambda x: x.clamp(-0.5, 0.75), X, alpha=-0.5, beta=0.75)
case("threshold", lambda x: x.clamp(min=0.25), X, alpha=0.25)

_SAME: tuple[str, ...] = (
    "abs", "ceil", "floor", "round", "sign", "square", "erf", "relu", "sigmoid",
)  # fmt: skip
_CLOSE: tuple[str, ...] = (
    "exp", "exp2", "sin", "cos", "tan", "sinh", "cosh", "tanh", "asin", "acos", "atan", "atanh",
)  # fmt: skip
for _name in _SAME:
    case(_name, getattr(torch, _name), HALF_STEPS if _name in ("round", "sign") else X)
for _name in _CLOSE:
    case(_name, getattr(torch, _name), np.clip(X / 4, -0.5, 0.5).astype(np.float32), ulp=4)
for _name in ("abs", "sign", "square"):
    case(_name, getattr(torch, _name), BIG[[0, 1, 4, 5]], note="int32", dtypes=AS_GIVEN)
case("identity", lambda x: x, X)
case("sqrt", torch.sqrt, POSITIVE, ulp=1)
case("relu6", F.relu6, X * 8)
case("silu", F.silu, X)
case("softsign", F.softsign, X)
case("softplus", F.softplus, X, ulp=8)
case("log", torch.log, POSITIVE, ulp=4)
case("log", lambda x: torch.log(x + 0.25), POSITIVE, epsilon=0.25, ulp=4)
case("rsqrt", lambda x: 1 / torch.sqrt(x + 0.25), POSITIVE, epsilon=0.25, ulp=4)
case("rsqrt", lambda x: 1 / torch.sqrt(x + 1e-12), POSITIVE, note="default", dtypes=("float32",), ulp=4)
case("inverse", lambda x: 1 / (x + 0.25), POSITIVE, epsilon=0.25, ulp=4)
case("inverse", lambda x: 1 / (x + 1e-4), POSITIVE, note="default", dtypes=("float32",), ulp=4)

case("gelu", F.gelu, X, mode="EXACT")
case("gelu", lambda x: F.gelu(x, approximate="tanh"), X, mode="TANH_APPROXIMATION")
case("gelu", lambda x: x * torch.sigmoid(1.702 * x), X, mode="SIGMOID_APPROXIMATION")
for _axis in (-1, 0, 1):
    case("softmax", lambda x, axis=_axis: torch.softmax(x, axis), X * 8, axis=_axis)
case(
    "clamped_relu",
    lambda x: torch.where(x >= 0, x, 0.5 * x).clamp(max=0.75),
    X,
    alpha=0.5,
    beta=0.75,
)
case("leaky_relu", lambda x: F.leaky_relu(x, 0.25), X, alpha=0.25)
case("thresholded_relu", lambda x: torch.where(x >= 0.25, x, 0.0), X, alpha=0.25)
case("elu", lambda x: F.elu(x, 0.5), X, alpha=0.5)
case("sigmoid_hard", lambda x: (0.25 * x + 0.5).clamp(0, 1), X * 3, alpha=0.25, beta=0.5)
case("scaled_tanh", lambda x: 2 * torch.tanh(0.5 * x), X, alpha=2.0, beta=0.5, ulp=4)
case("linear_activation", lambda x: 2 * x + 0.5, X, alpha=2.0, beta=0.5)

_SLOPES, _BENDS = np.array([0.25, 0.5, 2], np.float32), np.array([0.5, 1, 2], np.float32)
case("prelu", lambda x: F.prelu(x, torch.from_numpy(_SLOPES)), normal(2, 3, 2, 4), alpha=_SLOPES)


def _softplus_parametric(x: Tensor) -> Tensor:
    slopes, bends = (torch.from_numpy(one).reshape(3, 1, 1) for one in (_SLOPES, _BENDS))
    return slopes * F.softplus(bends * x)


case("softplus_parametric", _softplus_parametric, normal(2, 3, 2, 2), alpha=_SLOPES, beta=_BENDS, ulp=8)

case("cast", lambda x: x.to(torch.int32), X * 9, dtype="int32")
case("cast", lambda x: x != 0, HALF_STEPS, dtype="bool")
case("cast", lambda x: x.half(), X * 1e4, dtype="fp16", dtypes=("float32",))
case("cast", lambda x: x, X, dtype="fp32", dtypes=("float16",))


def _wrapped(x: Tensor, dtype: str) -> Tensor:
    return torch.from_numpy(x.numpy().astype(dtype).astype(np.int32))


for _dtype in ("int16", "uint16", "int8", "uint8"):
    case("cast", lambda x, dtype=_dtype: _wrapped(x, dtype), BIG, dtype=_dtype, dtypes=AS_GIVEN)
