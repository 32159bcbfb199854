"""How a file's error grows from layer to layer, and the layer at which it jumps."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LayerCurve", "LayerRow"]


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One layer of the curve.

    Attributes:
        layer: As in `model.named_modules()` of the checkpoint.
        type: Its class.
        is_leaf: It has no layers inside.
        error: Least relative error among its value and all that was computed from it.
        own_error: Of its own value; large where the file does not have that value.
        tensor: The file's name of the tensor nearest to its value; "" where none has its size.
    """

    layer: str
    type: str
    is_leaf: bool
    error: float
    own_error: float
    tensor: str


@dataclass(frozen=True, slots=True)
class LayerCurve:
    """How the error grows from layer to layer.

    Attributes:
        text: The text that was run: the one on which the file is furthest off.
        signature: The file's signature that was run.
        rows: The layers in the order they are done.
        culprit: The layer at which the error jumps; None when it does not.
        step: The layer with the largest rise over those before it, the culprit if there is one.
        before: The error before that step.
        after: The error from there on.
        last_good: The last layer done before it whose value was found; None when there is none.
    """

    text: str
    signature: str
    rows: tuple[LayerRow, ...]
    culprit: str | None
    step: str
    before: float
    after: float
    last_good: str | None

    @property
    def leaves(self) -> tuple[LayerRow, ...]:
        """The layers without layers inside."""
        return tuple(row for row in self.rows if row.is_leaf)

    @property
    def jump(self) -> float:
        """How many times larger the error is from the step on."""
        return self.after / self.before if self.before else float("inf")

    def __str__(self) -> str:
        """The finding, in a sentence."""
        kind = next(row.type for row in self.rows if row.layer == self.step)
        if self.culprit is None:
            return (
                f"No layer stands out: the error grows to {self.rows[-1].error:.2g}, with its largest step, "
                f"from {self.before:.2g} to {self.after:.2g}, at {self.step} ({kind})."
            )
        good = f"; the last layer that agrees is {self.last_good}" if self.last_good else ""
        return f"The error jumps from {self.before:.2g} to {self.after:.2g} at {self.culprit} ({kind}){good}."
