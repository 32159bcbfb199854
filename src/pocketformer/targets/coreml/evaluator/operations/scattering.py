"""Writing by index."""

from __future__ import annotations

from typing import Any

import numpy as np

from pocketformer.targets.coreml.evaluator.operations.indices import checked
from pocketformer.targets.coreml.evaluator.registry import Array, operation

_MODES: dict[str, Any] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide,
    "max": np.maximum, "min": np.minimum,
}  # fmt: skip


@operation("scatter")
def scatter(
    data: Array,
    indices: Array,
    updates: Array,
    axis: int = 0,
    mode: str = "add",
    validate_indices: bool = False,
) -> Array:
    """Return data with `updates` put into its slices at `indices` along `axis`."""
    along = axis % data.ndim
    places = checked(indices, data.shape[along])
    return _changed(data, (*[slice(None)] * along, places), updates, mode)


@operation("scatter_along_axis")
def scatter_along_axis(
    data: Array,
    indices: Array,
    updates: Array,
    axis: int = 0,
    mode: str = "add",
    validate_indices: bool = False,
) -> Array:
    """Return data with each of `updates` put where its index says along `axis`."""
    along = axis % data.ndim
    key: list[Array] = list(np.ogrid[tuple(slice(size) for size in indices.shape)])
    key[along] = checked(indices, data.shape[along])
    return _changed(data, tuple(key), updates, mode)


@operation("scatter_nd")
def scatter_nd(
    data: Array, indices: Array, updates: Array, mode: str = "add", validate_indices: bool = False
) -> Array:
    """Return data with `updates` put into the slices whose places stand in the last axis of `indices`."""
    places = tuple(checked(indices[..., place], data.shape[place]) for place in range(indices.shape[-1]))
    return _changed(data, places, updates, mode)


def _changed(data: Array, key: tuple[Any, ...], updates: Array, mode: str) -> Array:
    changed = data.copy()
    if mode == "update":
        changed[key] = updates
    elif data.dtype.kind in "iu" and mode == "div":
        whole = changed.astype(np.float64)
        np.divide.at(whole, key, updates)
        return whole
    else:
        _MODES[mode].at(changed, key, updates)
    return changed
