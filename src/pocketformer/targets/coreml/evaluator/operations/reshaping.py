"""The same numbers in another shape or order of axes."""

from __future__ import annotations

import math
from itertools import zip_longest

import numpy as np

from pocketformer.targets.coreml.evaluator.registry import Array, Arrays, Ints, operation


@operation("reshape", exact=True)
def reshape(x: Array, shape: Ints) -> Array:
    """Return x in `shape`; one size may be -1, and a 0 is x's own size, counted from the right."""
    if 0 in shape and x.size:
        pairs = zip_longest(reversed(shape), reversed(x.shape), fillvalue=1)
        shape = tuple(own if size == 0 else size for size, own in pairs)[: len(shape)][::-1]
    return x.reshape(shape)


@operation("reshape_like", exact=True)
def reshape_like(x: Array, ref_tensors: Arrays, begins: Arrays, ends: Arrays, end_masks: Arrays) -> Array:
    """Return x in a shape put together from pieces of the shapes of others."""
    shape: list[int] = []
    for other, begin, end, to_the_end in zip(ref_tensors, begins, ends, end_masks, strict=True):
        shape += other.shape[int(begin) : None if to_the_end else int(end)]
    return x.reshape(shape)


@operation("transpose", exact=True)
def transpose(x: Array, perm: Ints) -> Array:
    """Return x with its axes in the order `perm`."""
    return x.transpose(perm)


@operation("expand_dims", exact=True)
def expand_dims(x: Array, axes: Ints) -> Array:
    """Return x with an axis of size 1 at each place of `axes`."""
    return np.expand_dims(x, axes)


@operation("squeeze", exact=True)
def squeeze(x: Array, axes: Ints | None = None) -> Array:
    """Return x without the axes of size 1 that are named, or without all of them."""
    return np.squeeze(x, axes)


@operation("flatten2d", exact=True)
def flatten2d(x: Array, axis: int = 1) -> Array:
    """Return x as a matrix: the axes before `axis`, and the others."""
    before = axis if axis >= 0 else x.ndim + axis
    return x.reshape(math.prod(x.shape[:before]), math.prod(x.shape[before:]))


@operation("reverse", exact=True)
def reverse(x: Array, axes: Ints | None = None) -> Array:
    """Return x back to front along `axes`, or along all."""
    return np.flip(x, axes).copy()


@operation("reverse_sequence", exact=True)
def reverse_sequence(x: Array, lengths: Ints, seq_axis: int = 0, batch_axis: int = 0) -> Array:
    """Return x with the first `lengths[i]` places of row i back to front."""
    rows = np.moveaxis(x, (batch_axis, seq_axis), (0, 1)).copy()
    for row, length in zip(rows, lengths, strict=True):
        row[:length] = row[:length][::-1].copy()
    return np.moveaxis(rows, (0, 1), (batch_axis, seq_axis))


@operation("depth_to_space", exact=True)
def depth_to_space(x: Array, block_size: int) -> Array:
    """Return x `[n, c, h, w]` with channels moved into squares; a square's channels lie far apart."""
    n, _, h, w = x.shape
    blocks = x.reshape(n, block_size, block_size, -1, h, w).transpose(0, 3, 4, 1, 5, 2)
    return blocks.reshape(n, -1, h * block_size, w * block_size)


@operation("space_to_depth", exact=True)
def space_to_depth(x: Array, block_size: int) -> Array:
    """Return x `[n, c, h, w]` with squares moved into channels, as `depth_to_space` undoes it."""
    n, c, h, w = x.shape
    blocks = x.reshape(n, c, h // block_size, block_size, w // block_size, block_size)
    return blocks.transpose(0, 3, 5, 1, 2, 4).reshape(n, -1, h // block_size, w // block_size)


@operation("pixel_shuffle", exact=True)
def pixel_shuffle(x: Array, upscale_factor: int) -> Array:
    """Return x `[n, c, h, w]` with channels moved into squares, neighbours in a square side by side."""
    n, _, h, w = x.shape
    blocks = x.reshape(n, -1, upscale_factor, upscale_factor, h, w).transpose(0, 1, 4, 2, 5, 3)
    return blocks.reshape(n, -1, h * upscale_factor, w * upscale_factor)


@operation("pixel_unshuffle", exact=True)
def pixel_unshuffle(x: Array, downscale_factor: int) -> Array:
    """Return x `[n, c, h, w]` with squares moved into channels, as `pixel_shuffle` undoes it."""
    n, c, h, w = x.shape
    factor = int(downscale_factor)
    blocks = x.reshape(n, c, h // factor, factor, w // factor, factor)
    return blocks.transpose(0, 1, 3, 5, 2, 4).reshape(n, -1, h // factor, w // factor)
