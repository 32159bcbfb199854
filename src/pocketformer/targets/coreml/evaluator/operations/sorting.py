"""Sorting and the largest few. Equal numbers keep their order."""

from __future__ import annotations

from typing import Any

import numpy as np

from pocketformer.targets.coreml.evaluator.registry import Array, operation


@operation("argsort", exact=True)
def argsort(x: Array, axis: int = -1, ascending: bool = False) -> Array:
    """Return the places of the numbers along `axis` in their order."""
    if ascending:
        return np.argsort(x, axis, kind="stable")
    backwards = np.argsort(np.flip(x, axis), axis, kind="stable")
    return np.array(np.flip(x.shape[axis] - 1 - backwards, axis))


@operation("topk", exact=True)
def topk(
    x: Array,
    k: int = 1,
    axis: int = -1,
    ascending: bool = False,
    sort: bool = True,
    return_indices: bool = True,
    output_indices_dtype: str = "int32",
) -> Any:
    """Return the `k` largest (or smallest) along `axis` in their order, and their places."""
    places = argsort(x, axis, ascending).take(range(x.shape[axis] if k == -1 else k), axis)
    values = np.take_along_axis(x, places, axis)
    return (values, places) if return_indices else values


@operation("classify", exact=True)
def classify(probabilities: Array, classes: Array) -> tuple[Any, dict[Any, float]]:
    """Return the most probable class, and every class with its probability."""
    scores = np.asarray(probabilities).reshape(-1)
    names = [_label(name) for name in classes]
    named = {name: float(score) for name, score in zip(names, scores, strict=True)}
    return names[int(scores.argmax())], named


def _label(name: Any) -> Any:
    return name if isinstance(name, str) else int(name)
