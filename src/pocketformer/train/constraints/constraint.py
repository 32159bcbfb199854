"""What every constraint does, and several of them in order."""

from __future__ import annotations

from typing import Protocol

from torch import nn

__all__ = ["Constraint", "Constraints"]


class Constraint(Protocol):
    """Keeps the weights of a module to a rule while any loop trains them."""

    def attach(self, module: nn.Module) -> None:
        """Have the module compute with constrained weights from now on, in training and in evaluation.

        Done before the optimizer is made; the parameters that it gets are the same objects.

        Raises:
            RecipeError: The module has weights that the constraint cannot hold.
        """

    def advance(self, fraction_done: float) -> None:
        """Follow the schedule; called before every step with the share of the training that is done, 0 to 1.

        What it depends on besides is kept in buffers of the module, so that a training that was interrupted
        and goes on from a state dict ends with the same weights.
        """

    def bake(self, module: nn.Module) -> None:
        """Take everything off the module and leave ordinary weights: those it computed with until now."""


class Constraints:
    """Several constraints in order: what one makes of a weight is what the next one gets.

    Args:
        parts: Such as sparsity, then a grid: zeros lie on every grid.
    """

    def __init__(self, *parts: Constraint) -> None:
        self.parts = parts

    def attach(self, module: nn.Module) -> None:
        """Attach each."""
        for part in self.parts:
            part.attach(module)

    def advance(self, fraction_done: float) -> None:
        """Advance each."""
        for part in self.parts:
            part.advance(fraction_done)

    def bake(self, module: nn.Module) -> None:
        """Bake each."""
        for part in self.parts:
            part.bake(module)
