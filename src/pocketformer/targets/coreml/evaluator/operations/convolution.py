"""Convolution and pooling over one to three axes behind batch and channels."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from pocketformer.targets.coreml.evaluator.operations.tensors import array_of, optional_tensor, tensor
from pocketformer.targets.coreml.evaluator.registry import Array, Ints, operation

_CONVOLUTION: dict[int, Callable[..., Tensor]] = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
_TRANSPOSED: dict[int, Callable[..., Tensor]] = {
    1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d
}  # fmt: skip
_LARGEST: dict[int, Callable[..., Any]] = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
_MEAN: dict[int, Callable[..., Tensor]] = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


@operation("conv")
def conv(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    strides: Ints | None = None,
    pad_type: str = "valid",
    pad: Ints | None = None,
    dilations: Ints | None = None,
    groups: int = 1,
) -> Array:
    """Return the convolution of x `[batch, in, ...]` with weight `[out, in / groups, ...]`."""
    rank = x.ndim - 2
    steps, spread = strides or (1,) * rank, dilations or (1,) * rank
    kernel = [(size - 1) * gap + 1 for size, gap in zip(weight.shape[2:], spread, strict=True)]
    padded = _padded(tensor(x), _pads(x, kernel, steps, pad_type, pad))
    return array_of(
        _CONVOLUTION[rank](padded, tensor(weight), optional_tensor(bias), steps, 0, spread, groups)
    )


@operation("conv_transpose")
def conv_transpose(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    pad: Ints | None = None,
    output_shape: Ints | None = None,
    pad_type: str = "valid",
    strides: Ints | None = None,
    dilations: Ints | None = None,
    groups: int = 1,
) -> Array:
    """Return the transposed convolution of x `[batch, in, ...]` with weight `[in, out / groups, ...]`."""
    rank = x.ndim - 2
    if pad_type not in ("valid", "custom"):
        raise ValueError(f"the padding {pad_type!r} of conv_transpose is not run here")
    cut = tuple(pad) if pad_type == "custom" and pad is not None else (0,) * (2 * rank)
    whole = _TRANSPOSED[rank](
        tensor(x), tensor(weight), optional_tensor(bias), strides or 1, 0, 0, groups, dilations or 1
    )
    for axis in range(rank):
        size = whole.shape[axis + 2] - cut[2 * axis] - cut[2 * axis + 1]
        if output_shape is not None:
            size = output_shape[axis + 2]
        whole = whole.narrow(axis + 2, cut[2 * axis], size)
    return array_of(whole)


@operation("max_pool", exact=True)
def max_pool(
    x: Array,
    kernel_sizes: Ints,
    pad_type: str,
    strides: Ints | None = None,
    pad: Ints | None = None,
    ceil_mode: bool = False,
) -> Array:
    """Return the largest of each window of x `[batch, channels, ...]`."""
    steps = strides or (1,) * len(kernel_sizes)
    pads = _window_pads(x, kernel_sizes, steps, pad_type, pad, ceil_mode)
    return array_of(_LARGEST[len(kernel_sizes)](_padded(tensor(x), pads, -math.inf), kernel_sizes, steps))


@operation("avg_pool")
def avg_pool(
    x: Array,
    kernel_sizes: Ints,
    pad_type: str,
    strides: Ints | None = None,
    pad: Ints | None = None,
    exclude_padding_from_average: bool = False,
    ceil_mode: bool = False,
) -> Array:
    """Return the mean of each window of x `[batch, channels, ...]`, its padding counted or not."""
    steps = strides or (1,) * len(kernel_sizes)
    pads = _pads(x, kernel_sizes, steps, pad_type, pad)
    room = _room_for_ceil(x, kernel_sizes, steps, pads) if ceil_mode else pads
    pool = _MEAN[len(kernel_sizes)]
    mean = pool(_padded(tensor(x), room), kernel_sizes, steps)
    # A window is divided by its part that counts: what lies within x, or within x and its padding.
    counts = torch.ones_like(tensor(x)[:1, :1])
    if not exclude_padding_from_average:
        counts = _padded(counts, pads, 1.0)
        room = [(0, wide[1] - narrow[1]) for narrow, wide in zip(pads, room, strict=True)]
    return array_of(mean / pool(_padded(counts, room), kernel_sizes, steps))


@operation("l2_pool")
def l2_pool(
    x: Array,
    kernel_sizes: Ints,
    pad_type: str,
    strides: Ints | None = None,
    pad: Ints | None = None,
    ceil_mode: bool = False,
) -> Array:
    """Return the root of the sum of squares of each window of x `[batch, channels, ...]`."""
    steps = strides or (1,) * len(kernel_sizes)
    pads = _window_pads(x, kernel_sizes, steps, pad_type, pad, ceil_mode)
    mean = _MEAN[len(kernel_sizes)](_padded(tensor(x).square(), pads), kernel_sizes, steps)
    return array_of((mean * math.prod(kernel_sizes)).sqrt())


def _pads(
    x: Array, kernel: Ints | list[int], steps: Ints, pad_type: str, pad: Ints | None
) -> list[tuple[int, int]]:
    """Return the padding before and after each axis behind the first two."""
    if pad_type == "custom" and pad is not None:
        return list(zip(pad[::2], pad[1::2], strict=True))
    if pad_type in ("valid", "custom"):
        return [(0, 0)] * len(kernel)
    pads = []
    for length, size, step in zip(x.shape[2:], kernel, steps, strict=True):
        total = max(0, (math.ceil(length / step) - 1) * step + size - length)
        less, more = total // 2, total - total // 2
        pads.append({"same": (less, more), "same_lower": (more, less)}[pad_type])
    return pads


def _window_pads(
    x: Array, kernel: Ints, steps: Ints, pad_type: str, pad: Ints | None, ceil_mode: bool
) -> list[tuple[int, int]]:
    """Return the padding of a pool, with room for a last, incomplete window where there is to be one."""
    pads = _pads(x, kernel, steps, pad_type, pad)
    return _room_for_ceil(x, kernel, steps, pads) if ceil_mode else pads


def _room_for_ceil(x: Array, kernel: Ints, steps: Ints, pads: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the padding with room for a last, incomplete window, if it begins within x or before it."""
    grown = []
    for length, size, step, (before, after) in zip(x.shape[2:], kernel, steps, pads, strict=True):
        span = length + before + after
        windows = math.ceil((span - size) / step) + 1
        if (windows - 1) * step >= length + before:
            windows -= 1
        grown.append((before, after + max(0, (windows - 1) * step + size - span)))
    return grown


def _padded(values: Tensor, pads: list[tuple[int, int]], constant: float = 0.0) -> Tensor:
    flat = [size for pair in reversed(pads) for size in pair]
    return F.pad(values, flat, value=constant) if any(flat) else values
