"""Quantisation-aware training: weights on a plan's grid and activations as the runtime quantises them."""

from __future__ import annotations

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from pocketformer.errors import RecipeError
from pocketformer.plan.activations import attach_activations
from pocketformer.plan.baking import require_layers
from pocketformer.plan.layers import LayerKind
from pocketformer.plan.plan import Activations, Plan
from pocketformer.train.constraints.rules import rule_of
from pocketformer.train.constraints.weights import WeightConstraint, WeightRule

__all__ = ["QuantizationAware"]


class QuantizationAware(WeightConstraint):
    """Trains a module as a file of a plan computes (Jacob et al. 2018), with the straight-through estimator.

    Baked, its weights lie on the plan's grid: `plan.bake` changes nothing more, and every target stores the
    very numbers that were evaluated in training.

    Args:
        plan: Weight formats by layer; with 'clipped' rounding, scales go by the least squared error.
        activations: In place of the plan's own: "int8" per token, "float".
    """

    def __init__(self, plan: Plan, activations: Activations | None = None) -> None:
        super().__init__()
        self.plan = plan.model_copy(update={"activations": activations or plan.activations})
        self._handles: list[RemovableHandle] = []

    def attach(self, module: nn.Module) -> None:
        """Put the plan on a module.

        Raises:
            RecipeError: A weight that does not divide into its format's blocks or groups, or an exception for
                a layer that is not there.
        """
        require_layers(module, self.plan)
        super().attach(module)
        self._handles = attach_activations(module, self.plan)

    def bake(self, module: nn.Module) -> None:
        """Leave weights on the plan's grid; activations are float again (see `simulated`)."""
        super().bake(module)
        for handle in self._handles:
            handle.remove()
        self._handles = []

    def rule(self, name: str, weight: Tensor, kind: LayerKind) -> WeightRule | None:
        """Return the rule of the layer's format."""
        into = self.plan.format_of(name, weight.shape, kind == "embedding")
        try:
            return rule_of(weight, into, clipped=self.plan.rounding != "nearest")
        except RecipeError as error:
            raise RecipeError(f"The layer {name!r}: {error}") from error
