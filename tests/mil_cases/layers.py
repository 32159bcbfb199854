"""Products of matrices, attention, normalisation, convolution and pooling."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mil_cases.case import X, Y, case, normal

T = torch.from_numpy

_WEIGHT, _BIAS = normal(5, 4), normal(5)
case("linear", lambda x: F.linear(x, T(_WEIGHT), T(_BIAS)), X, weight=_WEIGHT, bias=_BIAS, ulp=2)
case("linear", lambda x: F.linear(x, T(_WEIGHT)), X[:1], note="no bias", weight=_WEIGHT, ulp=2)
case("matmul", torch.matmul, X, normal(4, 3), ulp=2)
case("matmul", lambda x, y: x.mT @ y, X, Y, transpose_x=True, ulp=2)
case("matmul", lambda x, y: x @ y.mT, normal(2, 1, 3, 4), normal(5, 2, 4), transpose_y=True, ulp=2)
case(
    "einsum",
    lambda x, y: torch.einsum("nchw,nwhu->nchu", x, y),
    normal(2, 3, 2, 4),
    normal(2, 4, 2, 3),
    build=lambda mb, c, x, y: mb.einsum(values=(x, y), equation="nchw,nwhu->nchu"),
    ulp=2,
)

_HEADS = normal(1, 2, 3, 4), normal(1, 2, 5, 4), normal(1, 2, 5, 4)
_SEEN = np.array([[1, 0, 1, 0, 1]], np.float32).repeat(3, 0)


def _attend_where(mb: Any, c: Any, query: Any, key: Any, value: Any, seen: Any) -> Any:
    mask = mb.greater(x=seen, y=c(0))
    return mb.scaled_dot_product_attention(query=query, key=key, value=value, attn_mask=mask)


case("scaled_dot_product_attention", F.scaled_dot_product_attention, *_HEADS, ulp=8)
case(
    "scaled_dot_product_attention",
    F.scaled_dot_product_attention,
    *_HEADS,
    normal(1, 1, 3, 5),
    note="mask",
    ulp=8,
)
case(
    "scaled_dot_product_attention",
    lambda q, k, v, seen: F.scaled_dot_product_attention(q, k, v, seen > 0),
    *_HEADS,
    _SEEN,
    note="bool mask",
    build=_attend_where,
    ulp=8,
)


def _layer_norm(x: Tensor, axes: list[int], gamma: np.ndarray, beta: np.ndarray) -> Tensor:
    """Normalise over axes that torch does not take, by moving them to the end."""
    places = list(range(x.ndim - len(axes), x.ndim))
    moved = x.movedim(axes, places)
    return F.layer_norm(moved, gamma.shape, T(gamma), T(beta), 0.25).movedim(places, axes)


for _axes, _shape in (([-1], (4,)), ([1, 2], (3, 4)), ([2], (4,)), ([1], (3,))):
    _gamma, _beta = normal(*_shape), normal(*_shape)
    case(
        "layer_norm",
        lambda x, axes=_axes, g=_gamma, b=_beta: _layer_norm(x, axes, g, b),
        X,
        axes=_axes,
        gamma=_gamma,
        beta=_beta,
        epsilon=0.25,
        ulp=4,
    )
case("layer_norm", lambda x: F.layer_norm(x, (4,), eps=0.25), X, axes=[2], epsilon=0.25, ulp=4)

_IMAGE, _MEAN, _VARIANCE = normal(2, 3, 4, 2), normal(3), np.abs(normal(3)) + np.float32(0.5)
case(
    "batch_norm",
    lambda x: F.batch_norm(x, T(_MEAN), T(_VARIANCE), T(_MEAN), eps=0.25),
    _IMAGE,
    mean=_MEAN,
    variance=_VARIANCE,
    gamma=_MEAN,
    epsilon=0.25,
    ulp=2,
)
case(
    "instance_norm",
    lambda x: F.instance_norm(x, weight=T(_MEAN), bias=T(_MEAN), eps=0.25),
    _IMAGE,
    gamma=_MEAN,
    beta=_MEAN,
    epsilon=0.25,
    ulp=2,
)
case(
    "l2_norm",
    lambda x: x / (x.square().sum((1, 2, 3), keepdim=True) + 0.25).sqrt(),
    _IMAGE,
    epsilon=0.25,
    ulp=4,
)
case(
    "local_response_norm",
    lambda x: F.local_response_norm(x, 3, alpha=0.5),
    normal(2, 5, 3, 2),
    size=3,
    alpha=0.5,
    ulp=4,
)

for _rank, _convolve in {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}.items():
    _kernel, _shift = normal(6, 2, *[3, 2, 3][:_rank]), normal(6)
    _strides, _dilations = [2, 1, 2][:_rank], [1, 2, 1][:_rank]
    case(
        "conv",
        lambda x, f=_convolve, w=_kernel, b=_shift, s=_strides, d=_dilations: f(x, T(w), T(b), s, 1, d, 2),
        normal(2, 4, *[7, 6, 5][:_rank]),
        note=f"{_rank}d",
        weight=_kernel,
        bias=_shift,
        strides=_strides,
        dilations=_dilations,
        pad_type="custom",
        pad=[1, 1] * _rank,
        groups=2,
        ulp=8,
    )
_POINT, _EVEN, _LINE = normal(4, 3, 1), normal(4, 3, 4), normal(1, 3, 7)
case("conv", lambda x: F.conv1d(x, T(_POINT)), _LINE, note="pointwise", weight=_POINT, ulp=4)
for _kind, _pads in {"same": (1, 2), "same_lower": (2, 1)}.items():
    case(
        "conv",
        lambda x, pads=_pads: F.conv1d(F.pad(x, pads), T(_EVEN)),
        _LINE,
        note=_kind,
        weight=_EVEN,
        pad_type=_kind,
        ulp=8,
    )
_ACROSS, _OFFSET = normal(4, 3, 3, 2), normal(6)
case(
    "conv_transpose",
    lambda x: F.conv_transpose2d(x, T(_ACROSS), T(_OFFSET), (2, 1), (1, 0), groups=2),
    normal(1, 4, 4, 3),
    note="groups",
    weight=_ACROSS,
    bias=_OFFSET,
    strides=[2, 1],
    pad_type="custom",
    pad=[1, 1, 0, 0],
    groups=2,
    ulp=8,
)

for _rank, (_average, _largest) in {1: (F.avg_pool1d, F.max_pool1d), 2: (F.avg_pool2d, F.max_pool2d)}.items():
    _windows, _steps, _grid = [3, 2][:_rank], [2, 2][:_rank], normal(1, 2, *[9, 7][:_rank])
    for _ceil in (False, True):
        _given: dict[str, Any] = {
            "kernel_sizes": _windows,
            "strides": _steps,
            "pad_type": "custom",
            "pad": [1, 1] * _rank,
            "ceil_mode": _ceil,
        }
        case(
            "max_pool",
            lambda x, f=_largest, k=_windows, s=_steps, ceil=_ceil: f(x, k, s, 1, ceil_mode=ceil),
            _grid,
            **_given,
        )
        for _exclude in (False, True):
            case(
                "avg_pool",
                lambda x, f=_average, k=_windows, s=_steps, ceil=_ceil, e=_exclude: f(
                    x, k, s, 1, ceil_mode=ceil, count_include_pad=not e
                ),
                _grid,
                exclude_padding_from_average=_exclude,
                ulp=2,
                **_given,
            )
case("avg_pool", lambda x: F.avg_pool1d(x, 5, 1), normal(1, 2, 5), kernel_sizes=[5], pad_type="valid", ulp=2)
case(
    "max_pool",
    lambda x: F.max_pool1d(F.pad(x, (0, 1), value=-torch.inf), 2, 2),
    normal(1, 2, 5),
    kernel_sizes=[2],
    strides=[2],
    pad_type="same",
)
case(
    "l2_pool",
    lambda x: x.square().unfold(2, 2, 2).sum(-1).sqrt(),
    normal(1, 2, 6),
    kernel_sizes=[2],
    strides=[2],
    pad_type="valid",
    ulp=4,
)
