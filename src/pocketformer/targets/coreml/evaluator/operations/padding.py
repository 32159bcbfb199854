"""Padding, cropping and windows."""

from __future__ import annotations

from typing import Literal

import numpy as np

from pocketformer.targets.coreml.evaluator.registry import Array, Ints, operation

_MODES: dict[str, Literal["reflect", "edge"]] = {"reflect": "reflect", "replicate": "edge"}


@operation("pad", exact=True)
def pad(x: Array, pad: Ints, mode: str = "constant", constant_val: Array | None = None) -> Array:
    """Return x with its last axes made longer; `pad` has the sizes before and after each of them."""
    pairs = list(zip(pad[::2], pad[1::2], strict=True))
    widths = [(0, 0)] * (x.ndim - len(pairs)) + pairs
    if mode == "constant":
        return np.pad(x, widths, constant_values=0 if constant_val is None else constant_val)
    return np.pad(x, widths, mode=_MODES[mode])


@operation("crop", exact=True)
def crop(x: Array, crop_height: Ints, crop_width: Ints) -> Array:
    """Return x `[..., h, w]` with rows and columns cut off: counts before and after."""
    (top, bottom), (left, right) = crop_height, crop_width
    return x[..., top : x.shape[-2] - bottom, left : x.shape[-1] - right]


@operation("sliding_windows", exact=True)
def sliding_windows(x: Array, axis: int, size: int, stride: int = 1) -> Array:
    """Return the windows of `size` along `axis`, in an axis of their own behind it."""
    along = axis % x.ndim
    windows = np.lib.stride_tricks.sliding_window_view(x, size, along)
    chosen = windows[(slice(None),) * along + (slice(None, None, stride),)]
    return np.moveaxis(chosen, -1, along + 1).copy()
