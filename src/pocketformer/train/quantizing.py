"""What the setting `quantize` asks for: the plan, whether the training is a last phase, and what to say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pocketformer.checkpoint import local_directory
from pocketformer.plan import Plan, as_plan
from pocketformer.train.settings import FinetuneSettings

__all__ = ["is_last_phase", "plan_asked_for", "plan_notes"]

_CUT_RECORD = "shrink.json"  # beside a classifier that has yet to learn what it lost


def plan_asked_for(settings: FinetuneSettings) -> Plan | None:
    """Return the plan that settings name, if any.

    Raises:
        RecipeError: A name that cannot be decoded, or a file that cannot be read.
    """
    return None if settings.quantize is None else as_plan(settings.quantize)


def is_last_phase(plan: Plan | None, base: str | Path, head_is_new: bool) -> bool:
    """Whether a classifier that was trained before only gets used to a plan's grid."""
    return plan is not None and not head_is_new and not (local_directory(base) / _CUT_RECORD).is_file()


def plan_notes(plan: Plan | None) -> Sequence[str]:
    """Return what is worth saying of a training that is aware of a plan."""
    if plan is None:
        return []
    activations = ""
    if plan.activations == "int8":
        activations = ", activations quantised per token as LiteRT's runtime does"
    return [
        f"Trained on the grid of the plan {plan.name!r} (weights {plan.weights}, embedding {plan.embedding}"
        f"{activations}): the dev scores are those of a file of this plan."
    ]
