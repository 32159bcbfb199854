"""Reading by index."""

from __future__ import annotations

import numpy as np

from pocketformer.targets.coreml.evaluator.operations.indices import checked
from pocketformer.targets.coreml.evaluator.registry import Array, operation


@operation("gather", exact=True)
def gather(
    x: Array, indices: Array, axis: int = 0, batch_dims: int = 0, validate_indices: bool = False
) -> Array:
    """Return the slices of x at `indices` along `axis`; the first `batch_dims` axes go together."""
    along = axis % x.ndim
    places = checked(indices, x.shape[along])
    if batch_dims == 0:
        return np.asarray(x.take(places, along))
    batch = x.shape[:batch_dims]
    rows = x.reshape(-1, *x.shape[batch_dims:])
    each = places.reshape(-1, *places.shape[batch_dims:])
    taken = np.stack([row.take(place, along - batch_dims) for row, place in zip(rows, each, strict=True)])
    return taken.reshape(*batch, *taken.shape[1:])


@operation("gather_along_axis", exact=True)
def gather_along_axis(x: Array, indices: Array, axis: int = 0, validate_indices: bool = False) -> Array:
    """Return, at each place of `indices`, what x has at that index along `axis`."""
    if x.ndim == 1:
        return np.asarray(x.take(checked(indices, x.shape[0])))
    return np.take_along_axis(x, checked(indices, x.shape[axis]).astype(np.int64), axis)


@operation("gather_nd", exact=True)
def gather_nd(x: Array, indices: Array, batch_dims: int = 0, validate_indices: bool = False) -> Array:
    """Return the slices of x whose places stand in the last axis of `indices`."""
    places = tuple(
        checked(indices[..., place], x.shape[batch_dims + place]) for place in range(indices.shape[-1])
    )
    leading = np.ogrid[tuple(slice(size) for size in indices.shape[:batch_dims])]
    spread = [one.reshape(*one.shape, *[1] * (indices.ndim - 1 - batch_dims)) for one in leading]
    return np.asarray(x[(*spread, *places)])
