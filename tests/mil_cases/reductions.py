"""Reductions, running sums, sorting, and quantised activations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mil_cases.case import AS_GIVEN, BIG, POSITIVE, X, case, integers

_REDUCTIONS: dict[str, Callable[..., Any]] = {
    "reduce_sum": torch.sum,
    "reduce_mean": torch.mean,
    "reduce_max": torch.amax,
    "reduce_min": torch.amin,
    "reduce_l1_norm": lambda x, axes, keepdim: x.abs().sum(axes, keepdim=keepdim),
    "reduce_l2_norm": lambda x, axes, keepdim: x.square().sum(axes, keepdim=keepdim).sqrt(),
    "reduce_sum_square": lambda x, axes, keepdim: x.square().sum(axes, keepdim=keepdim),
    "reduce_log_sum": lambda x, axes, keepdim: x.sum(axes, keepdim=keepdim).log(),
    "reduce_log_sum_exp": torch.logsumexp,
    "reduce_prod": lambda x, axes, keepdim: torch.from_numpy(x.numpy().prod(tuple(axes), keepdims=keepdim)),
}
for _name, _function in _REDUCTIONS.items():
    for _axes, _keep in (([-1], True), ([0, 2], False), ([1], False)):
        case(
            _name,
            lambda x, f=_function, axes=_axes, keep=_keep: f(x, axes, keepdim=keep),
            POSITIVE,
            axes=_axes,
            keep_dims=_keep,
            ulp=8,
        )
for _name in ("reduce_sum", "reduce_prod", "reduce_max", "reduce_min", "reduce_sum_square"):
    case(
        _name,
        lambda x, f=_REDUCTIONS[_name]: f(x.long(), [0], keepdim=True).to(torch.int32),
        BIG[[0, 1, 4, 5]],
        note="int32",
        axes=[0],
        keep_dims=True,
        dtypes=AS_GIVEN,
    )
for _axis in (-1, 0):
    case("reduce_argmax", lambda x, a=_axis: x.argmax(a, True), X, axis=_axis, keep_dims=True)
    case("reduce_argmin", lambda x, a=_axis: x.argmin(a, True), X, axis=_axis, keep_dims=True)

case("cumsum", lambda x: x.cumsum(-1), X, axis=-1)
case("cumsum", lambda x: x.cumsum(0).to(torch.int32), BIG, note="int32 wraps", axis=0, dtypes=AS_GIVEN)
case(
    "cumsum",
    lambda x: F.pad(x, (0, 0, 0, 1))[:, 1:].flip(1).cumsum(1).flip(1),
    X,
    axis=1,
    exclusive=True,
    reverse=True,
)

_TIED = np.array([[2, 1, 2, 0], [1, 1, 3, 3]], np.float32)
for _up in (True, False):
    case(
        "argsort",
        lambda x, up=_up: x.sort(dim=-1, descending=not up, stable=True).indices,
        _TIED,
        axis=-1,
        ascending=_up,
    )
    case("topk", lambda x, up=_up: x.topk(2, 1, largest=not up), X, k=2, axis=1, ascending=_up)
case("topk", lambda x: x.topk(3, 0), BIG, note="int32", k=3, axis=0, dtypes=AS_GIVEN)

_SCALE, _ZERO = np.array([0.25, 0.5, 1], np.float32), np.array([3, -5, 0], np.int8)
_PLACED = torch.from_numpy(_SCALE).reshape(3, 1), torch.from_numpy(_ZERO).reshape(3, 1)


def _quantized(x: Tensor) -> Tensor:
    return ((x / _PLACED[0]).round() + _PLACED[1]).clamp(-128, 127)


case("quantize", _quantized, X * 40, scale=_SCALE, zero_point=_ZERO, output_dtype="int8", axis=1)
case("quantize", lambda x: (x / 0.5).round().clamp(0, 255), X * 40, scale=0.5, output_dtype="uint8")
case(
    "dequantize",
    lambda x: (x - _PLACED[1]) * _PLACED[0],
    integers(-128, 128, 2, 3, 4),
    dtypes=AS_GIVEN,
    build=lambda mb, c, x: mb.dequantize(
        input=mb.cast(x=x, dtype="int8"), scale=_SCALE, zero_point=_ZERO, axis=1
    ),
)
