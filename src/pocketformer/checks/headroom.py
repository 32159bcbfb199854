"""What a value range says: the headroom of every layer, and what would overflow in float16."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pocketformer.plan.names import is_inside

__all__ = ["FLOAT16_MAX", "SAFE_HEADROOM", "LayerRange", "OutOfRange", "ValueRange"]

#: The largest finite float16.
FLOAT16_MAX = 65504.0

#: A layer is safe when its values stay below float16's end by this factor: the next text may go further
#: than those that were run, and rounding moves every value a little.
SAFE_HEADROOM = 2.0

_SHOWN = 5  # layers in a sentence


@dataclass(frozen=True, slots=True)
class LayerRange:
    """The largest |value| of one layer, and the operation that made it.

    Attributes:
        layer: As in `model.named_modules()`; "" for what the program does around the model.
        operation: Such as "aten.addmm".
        largest: Over all texts, of all values the layer's own operations gave; inf where one was NaN.
    """

    layer: str
    operation: str
    largest: float

    @property
    def headroom(self) -> float:
        """How many times larger the value could be before float16 ends."""
        return FLOAT16_MAX / self.largest if self.largest else math.inf


@dataclass(frozen=True, slots=True)
class OutOfRange:
    """A constant that float16 does not have: a mask of -inf or -3.4e38, or a weight.

    Attributes:
        layer: The layer that holds or uses it.
        what: The operation that uses it, or the weight's name.
        value: The one that is furthest out.
    """

    layer: str
    what: str
    value: float


@dataclass(frozen=True, slots=True)
class ValueRange:
    """What was found.

    Attributes:
        texts: How many were run.
        layers: In the order they run.
        masks: Masks and other constants in the arithmetic that float16 does not have.
        weights: Weights that float16 does not have.
        overflowing: The layers to keep in float32 so that nothing else overflows: those that make a value
            with less headroom than `SAFE_HEADROOM`, and those that take one.
    """

    texts: int
    layers: tuple[LayerRange, ...]
    masks: tuple[OutOfRange, ...]
    weights: tuple[OutOfRange, ...]
    overflowing: tuple[str, ...]

    @property
    def largest(self) -> LayerRange:
        """The layer that comes nearest to the end."""
        return max(self.layers, key=lambda layer: layer.largest)

    def missing(self, float32_layers: Sequence[str]) -> tuple[str, ...]:
        """Return the layers that would overflow although some are kept in float32, with all inside them."""
        kept = tuple(float32_layers)
        return tuple(layer for layer in self.overflowing if not any(is_inside(layer, one) for one in kept))

    def refusal(self, float32_layers: Sequence[str] = ()) -> str | None:
        """Say what would overflow in float16, by how much, and what mends it; None when nothing would.

        Args:
            float32_layers: Layers that are kept in float32 already.
        """
        sentences = [
            f"{mask.what} in {mask.layer or 'the program'} uses {mask.value:g}, which float16 does not have: "
            "a row that is all padding becomes NaN. Give the model a finite mask such as -1e4."
            for mask in self.masks
        ]
        missing = self.missing(float32_layers)
        if missing:
            sentences.append(self._sentence(missing))
        return " ".join(sentences) or None

    def _sentence(self, missing: tuple[str, ...]) -> str:
        found = [
            f"the weight {weight.what} holds {weight.value:g}"
            for weight in self.weights
            if any(is_inside(weight.layer, one) for one in missing)
        ] + [
            f"{layer.layer or 'the program'} reaches {layer.largest:,.0f} ({layer.operation}; "
            f"{_headroom(layer.headroom)})"
            for layer in self.layers
            if layer.headroom < SAFE_HEADROOM and any(is_inside(layer.layer, one) for one in missing)
        ]
        shown = "; ".join(found[:_SHOWN]) + (f"; and {len(found) - _SHOWN} more" * (len(found) > _SHOWN))
        options = " ".join(f"--keep-fp32 {layer}" for layer in missing)
        cure = f"Keep in float32 what makes and takes these values: {options}."
        if "" in missing:
            cure = "What stands around the layers takes such values too: export in fp32 or int8 instead."
        return f"float16 ends at 65,504; over {self.texts:,} texts, {shown}. {cure}"


def _headroom(headroom: float) -> str:
    return f"{1 / headroom:,.1f} times too large" if headroom < 1 else f"only {headroom:.1f} times below"
