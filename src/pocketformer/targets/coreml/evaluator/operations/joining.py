"""Putting values together and taking them apart."""

from __future__ import annotations

import itertools

import numpy as np

from pocketformer.targets.coreml.evaluator.registry import Array, Arrays, Ints, operation


@operation("concat", exact=True)
def concat(values: Arrays, axis: int, interleave: bool = False) -> Array:
    """Return the values one after another along `axis`, or their slices in turns. Scalars count as `[1]`."""
    parts = [np.atleast_1d(value) for value in values]
    if not interleave:
        return np.concatenate(parts, axis)
    along = axis % parts[0].ndim
    shape = list(parts[0].shape)
    shape[along] *= len(parts)
    return np.stack(parts, along + 1).reshape(shape)


@operation("stack", exact=True)
def stack(values: Arrays, axis: int) -> Array:
    """Return the values along a new axis."""
    return np.stack(values, axis)


@operation("split", exact=True)
def split(
    x: Array, axis: int, num_splits: int | None = None, split_sizes: Ints | None = None
) -> Array | list[Array]:
    """Return x cut along `axis` into equal parts, or into parts of given sizes."""
    if split_sizes is not None:
        if sum(split_sizes) != x.shape[axis]:
            raise ValueError(
                f"its parts {list(split_sizes)} do not make up the {x.shape[axis]} along axis {axis}"
            )
        parts = np.split(x, list(itertools.accumulate(split_sizes))[:-1], axis)
    elif num_splits is not None:
        parts = np.split(x, num_splits, axis)
    else:
        raise ValueError("neither num_splits nor split_sizes is given")
    return parts[0] if len(parts) == 1 else parts
