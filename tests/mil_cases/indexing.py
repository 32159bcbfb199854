"""Slices, gathering and scattering."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from mil_cases.case import AS_GIVEN, BIG, SMALL, X, case, integers, normal

case("slice_by_index", lambda x: x[1:2, 0:3, 1:4], X, begin=[1, 0, 1], end=[2, 3, 4])
case(
    "slice_by_index",
    lambda x: x[0, -2:].flip(-1)[:, 0::2],
    X,
    note="masks",
    begin=[0, -2, 3],
    end=[1, 0, -5],
    stride=[1, 1, -2],
    begin_mask=[True, False, False],
    end_mask=[False, True, False],
    squeeze_mask=[True, False, False],
)
case(
    "slice_by_index",
    lambda x, begin: x[int(begin) :],
    BIG,
    np.array([2], np.int32),
    note="begin computed",
    dtypes=AS_GIVEN,
    end=[6],
)
case("slice_by_size", lambda x: x[:, 1:, 2:3], X, begin=[0, 1, 2], size=[2, -1, 1])


def _updated(x: Tensor, update: Tensor) -> Tensor:
    changed = x.clone()
    changed[:, 1:2, 1:3] = update
    return changed


case("slice_update", _updated, X, normal(2, 1, 2), begin=[0, 1, 1], end=[2, 2, 3])

_TABLE, _ROWS = normal(5, 3), integers(0, 5, 2, 4)
_WIDE = np.arange(70_000, dtype=np.int32) * 30_001


def _in_batches(x: Tensor, indices: Tensor) -> Tensor:
    return torch.stack([rows[places.long()] for rows, places in zip(x, indices, strict=True)])


case("gather", lambda x, i: x[i.long()], _TABLE, _ROWS, axis=0)
case("gather", lambda x, i: x[:, i.long()], _TABLE, np.array([-1, 0, 2], np.int32), axis=-1)
case("gather", _in_batches, normal(2, 5, 3), _ROWS, axis=1, batch_dims=1)
case(
    "gather",
    lambda i: torch.from_numpy(_WIDE)[i.long()],
    integers(0, 70_000, 50),
    note="a table beyond 16 bits",
    dtypes=AS_GIVEN,
    build=lambda mb, c, i: mb.gather(x=_WIDE, indices=i),
)
case(
    "gather",
    lambda x, i: x[i.long()],
    _TABLE,
    _ROWS,
    note="uint16 indices",
    build=lambda mb, c, x, i: mb.gather(x=x, indices=mb.cast(x=i, dtype="uint16")),
)
for _axis in (0, 1, -1):
    case(
        "gather_along_axis",
        lambda x, i, axis=_axis: x.gather(axis, i.long()),
        _TABLE,
        integers(0, 3, 5, 3),
        axis=_axis,
    )
case(
    "gather_nd",
    lambda x, i: x[i[:, 0].long(), i[:, 1].long()],
    _TABLE,
    np.array([[4, 2], [0, -1]], np.int32),
)
case(
    "gather_nd",
    lambda x, i: _in_batches(x, i[..., 0]),
    normal(2, 5, 3),
    _ROWS[..., None],
    batch_dims=1,
)

_MODES: dict[str, Any] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide,
    "max": np.maximum, "min": np.minimum,
}  # fmt: skip


def _scattered(data: Tensor, places: Tensor, updates: Tensor, mode: str) -> Tensor:
    changed = data.numpy().copy()
    for place, update in zip(places.tolist(), updates.numpy(), strict=True):
        changed[place] = update if mode == "update" else _MODES[mode](changed[place], update)
    return torch.from_numpy(changed)


for _mode in ("update", *_MODES):
    case(
        "scatter",
        lambda data, i, u, mode=_mode: _scattered(data, i, u, mode),
        _TABLE,
        np.array([4, 0, -2], np.int32),
        normal(3, 3),
        axis=0,
        mode=_mode,
    )
_ALONG = {0: np.array([[1, 0, 2], [0, 1, -1]], np.int32), 1: integers(0, 3, 5, 2)}
for _axis, _indices in _ALONG.items():
    case(
        "scatter_along_axis",
        lambda data, i, u, axis=_axis: data.scatter_add(axis, i.long() % data.shape[axis], u),
        _TABLE,
        _indices,
        normal(*_indices.shape),
        axis=_axis,
        mode="add",
        ulp=2,
    )
case(
    "scatter_nd",
    lambda data, i, u: data.index_put((i[:, 0].long(), i[:, 1].long()), u),
    _TABLE,
    np.array([[4, 2], [0, 0]], np.int32),
    normal(2),
    mode="update",
)
case(
    "scatter_nd",
    lambda data, i, u: data.index_put((i[:, 0].long(),), u, accumulate=True),
    BIG,
    np.array([[1], [1], [5]], np.int32),
    SMALL[:3],
    note="int32, one place twice",
    mode="add",
    dtypes=AS_GIVEN,
)
