"""Shapes, joining, making, padding."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mil_cases.case import AS_GIVEN, ROW, SMALL, X, Y, case, integers, normal

case("reshape", lambda x: x.reshape(4, -1), X, shape=[4, -1])
case("reshape", lambda x: x.reshape(1, 1, 2, 2), normal(2, 2), shape=[0, 0, 2, 2], target="iOS17")
case("reshape", lambda x: x.reshape(1, 2, 2, 6), normal(4, 6), shape=[1, 2, 2, 0], target="iOS17")
case("reshape", lambda x: x, normal(2, 6), shape=[0, -1], target="iOS16")
case(
    "reshape_like",
    lambda x, y: x.reshape(4, 6),
    X,
    normal(4, 6),
    build=lambda mb, c, x, y: mb.reshape_like(
        x=x, ref_tensors=(y, y), begins=(0, 1), ends=(1, 0), end_masks=(False, True)
    ),
)
for _perm in ([2, 0, 1], [0, -1, 1]):
    case("transpose", lambda x, perm=_perm: x.permute(perm), X, perm=_perm)
case("expand_dims", lambda x: x[None, ..., None], X, axes=[0, -1])
case("squeeze", lambda x: x[0, :, 0], normal(1, 3, 1), axes=[-1, 0])
case("squeeze", lambda x: x.squeeze(), normal(1, 3, 1), note="all")
case("flatten2d", lambda x: x.reshape(2, 12), X, axis=1)
case("flatten2d", lambda x: x.reshape(6, 4), X, axis=-1)
case("reverse", lambda x: x.flip(0, 2), X, axes=[0, -1])
case("reverse", lambda x: x.flip(0, 1, 2), X, note="all")
case(
    "reverse_sequence",
    lambda x: torch.stack([x[0, [1, 0, 2]], x[1, [2, 1, 0]]]),
    X,
    lengths=np.array([2, 3], np.int32),
    seq_axis=1,
    batch_axis=0,
)


def _depth_to_space(x: Tensor) -> Tensor:
    blocks = torch.empty(1, 2, 4, 6)
    for place in range(4):
        blocks[:, :, place // 2 :: 2, place % 2 :: 2] = x[:, place * 2 : place * 2 + 2]
    return blocks


def _space_to_depth(x: Tensor) -> Tensor:
    return torch.cat([x[:, :, place // 2 :: 2, place % 2 :: 2] for place in range(4)], 1)


case("depth_to_space", _depth_to_space, normal(1, 8, 2, 3), block_size=2)
case("space_to_depth", _space_to_depth, normal(1, 2, 4, 6), block_size=2)
case("pixel_shuffle", lambda x: F.pixel_shuffle(x, 2), normal(1, 8, 2, 3), upscale_factor=2)
case("pixel_unshuffle", lambda x: F.pixel_unshuffle(x, 2), normal(1, 2, 4, 6), downscale_factor=np.uint32(2))

for _axis in (0, -1):
    case(
        "concat",
        lambda x, y, axis=_axis: torch.cat((x, y, x), axis),
        X,
        Y,
        note=f"axis={_axis}",
        build=lambda mb, c, x, y, axis=_axis: mb.concat(values=(x, y, x), axis=axis),
    )
case(
    "concat",
    lambda x, y: torch.stack((x, y), 2).reshape(2, 6, 4),
    X,
    Y,
    note="interleaved",
    build=lambda mb, c, x, y: mb.concat(values=(x, y), axis=1, interleave=True),
)
case(
    "concat",
    lambda x: torch.cat((x, x)),
    normal(1),
    note="scalars",
    build=lambda mb, c, x: mb.concat(values=(mb.squeeze(x=x), mb.squeeze(x=x)), axis=0),
)
case(
    "concat",
    lambda x: torch.cat((x, torch.tensor([[7.0, 8.0]])), 1),
    normal(1, 2),
    note="with a constant",
    build=lambda mb, c, x: mb.concat(values=(x, c([[7.0, 8.0]])), axis=1),
)
for _axis in (0, 2, -1):
    case(
        "stack",
        lambda x, y, axis=_axis: torch.stack((x, y), axis),
        X,
        Y,
        note=f"axis={_axis}",
        build=lambda mb, c, x, y, axis=_axis: mb.stack(values=(x, y), axis=axis),
    )
case("split", lambda x: x.split(2, -1), X, num_splits=2, axis=-1)
case("split", lambda x: x.split([1, 2], 1), X, split_sizes=[1, 2], axis=1)

case("shape", lambda x: torch.tensor(x.shape), X)
case(
    "fill",
    lambda x: x + 1.5,
    X,
    build=lambda mb, c, x: mb.add(x=mb.fill(shape=[2, 3, 4], value=c(1.5)), y=x),
)
case("fill_like", lambda x: torch.full_like(x, 1.5), X, value=1.5)
case(
    "range_1d",
    lambda x: x + torch.arange(0.5, 4.5),
    ROW,
    build=lambda mb, c, x: mb.add(x=x, y=mb.range_1d(start=c(0.5), end=c(4.5), step=c(1))),
)
case(
    "range_1d",
    lambda x: x + torch.arange(10, -2, -2),
    SMALL,
    note="int32",
    dtypes=AS_GIVEN,
    build=lambda mb, c, x: mb.add(x=x, y=mb.range_1d(start=10, end=-2, step=-2)),
)
case("tile", lambda x: x.tile(2, 1, 3), X, reps=[2, 1, 3])
_PLACES = integers(0, 5, 3, 2)
case("one_hot", lambda x: F.one_hot(x.long(), 5), _PLACES, one_hot_vector_size=5, dtypes=AS_GIVEN)
case(
    "one_hot",
    lambda x: F.one_hot(x.long(), 5).movedim(-1, 0) * 3.0 - 1,
    _PLACES,
    one_hot_vector_size=5,
    axis=0,
    on_value=np.float32(2),
    off_value=np.float32(-1),
    dtypes=AS_GIVEN,
)
case("band_part", torch.tril, normal(2, 4, 4), lower=-1, upper=0)
case("band_part", torch.triu, normal(2, 4, 4), lower=0, upper=-1)
case("band_part", lambda x: x.triu(-1).tril(1), normal(2, 4, 4), lower=1, upper=1)
case(
    "non_zero",
    lambda x: x.nonzero().sum(0),
    integers(0, 2, 3, 4),
    dtypes=AS_GIVEN,
    build=lambda mb, c, x: mb.reduce_sum(x=mb.non_zero(x=x), axes=[0]),
)

case("pad", lambda x: F.pad(x, (0, 3, 1, 2), value=-0.5), X, pad=[1, 2, 0, 3], constant_val=-0.5)
for _mode in ("reflect", "replicate"):
    case("pad", lambda x, mode=_mode: F.pad(x, (1, 2), mode=mode), X, pad=[1, 2], mode=_mode)
case("crop", lambda x: x[..., 1:, 1:-2], normal(1, 2, 3, 5), crop_height=[1, 0], crop_width=[1, 2])
case(
    "sliding_windows",
    lambda x: x.unfold(1, 3, 2).movedim(-1, 2),
    normal(2, 7, 3),
    axis=1,
    size=3,
    stride=2,
)
