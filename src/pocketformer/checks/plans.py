"""The plan that a file was written by, as the file tells it."""

from __future__ import annotations

from pocketformer.plan import Plan
from pocketformer.targets import FileCard, Target

__all__ = ["computes_in_half", "plan_of"]


def plan_of(card: FileCard) -> Plan:
    """Return the plan in a file's metadata; float32 where there is none.

    Raises:
        RecipeError: A precision that cannot be decoded.
    """
    told = card.metadata.get("plan")
    return Plan.named(str(card.metadata.get("precision", "fp32"))) if told is None else Plan(**told)


def computes_in_half(target: Target, plan: Plan) -> bool:
    """Whether a target's file of this plan computes in float16: with float32 weights none does."""
    return bool(target.half) and str(plan.weights) != "fp32"
