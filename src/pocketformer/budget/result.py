"""What a search under a budget found."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from pocketformer.budget.settings import BudgetSettings
from pocketformer.plan import Plan

__all__ = ["BudgetResult", "LayerCost", "Option"]


class LayerCost(BaseModel):
    """What one layer in one format costs, every other layer being in float32.

    Attributes:
        layer: Its name.
        format: Of its weight.
        bytes: Of its weight in this format.
        divergence: Mean Kullback-Leibler divergence of the answers from those in float32, in nats.
        accuracy: Share of the dev texts, 0 to 1, named right; None where they have no labels.
    """

    model_config = ConfigDict(frozen=True)

    layer: str
    format: str
    bytes: float
    divergence: float
    accuracy: float | None


class Option(BaseModel):
    """One plan that was tried on all dev texts.

    Attributes:
        plan: It.
        megabytes: Of its file, as computed from its weights and what a file of this model holds beside them.
        divergence: Mean Kullback-Leibler divergence from float32, in nats.
        drop: Points of dev accuracy lost to float32; of agreement with it where the texts have no labels.
        milliseconds: Per text, estimated from files of one format; None where no limit asked for it.
    """

    model_config = ConfigDict(frozen=True)

    plan: Plan
    megabytes: float
    divergence: float
    drop: float
    milliseconds: float | None = None


class BudgetResult(BaseModel):
    """The frontier of a model, what each layer costs, and the plan that is best within the budget.

    Attributes:
        chosen: Place of the best among the options.
        options: By size, the largest first.
        fixed_bytes: What the file holds beside weights.
        labelled: Whether the dev texts had labels.
    """

    model_config = ConfigDict(frozen=True)

    settings: BudgetSettings
    chosen: int
    options: tuple[Option, ...]
    costs: tuple[LayerCost, ...]
    fixed_bytes: int
    dev_texts: int
    labelled: bool
    accuracy: float | None  # in float32
    notes: tuple[str, ...] = ()

    @property
    def best(self) -> Option:
        """The plan that was chosen."""
        return self.options[self.chosen]
