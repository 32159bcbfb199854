"""Names of layers: the name of a layer also stands for everything inside it."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["inside_most", "is_inside"]


def is_inside(layer: str, outer: str) -> bool:
    """Whether a layer is `outer`, or inside it: "encoder.layer.0.output" is inside "encoder.layer.0"."""
    return layer == outer or layer.startswith(f"{outer}.")


def inside_most(layer: str, names: Iterable[str]) -> str | None:
    """Return which of some names says most of a layer, the longest it is inside of; None where none does."""
    return max((name for name in names if is_inside(layer, name)), key=len, default=None)
