"""What the settings `quantize`, `sparsity` and `clusters` ask for: the plan, the constraint, what to say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pocketformer.checkpoint import local_directory
from pocketformer.plan import Plan, as_plan
from pocketformer.train.constraints import Clusters, Constraint, Constraints, QuantizationAware, Sparsity
from pocketformer.train.settings import FinetuneSettings

__all__ = ["constraint_asked_for", "constraint_notes", "is_last_phase", "plan_asked_for"]

_CUT_RECORD = "shrink.json"  # beside a classifier that has yet to learn what it lost


def plan_asked_for(settings: FinetuneSettings) -> Plan | None:
    """Return the plan that settings name, if any.

    Raises:
        RecipeError: A name that cannot be decoded, or a file that cannot be read.
    """
    return None if settings.quantize is None else as_plan(settings.quantize)


def constraint_asked_for(settings: FinetuneSettings, plan: Plan | None) -> Constraint | None:
    """Return what weights are kept to: zeros first, then a plan's grid or a few values, which keep them."""
    parts: list[Constraint] = []
    if settings.sparsity is not None:
        parts.append(Sparsity(settings.sparsity))
    if settings.clusters is not None:
        parts.append(Clusters(settings.clusters, zeros=settings.sparsity is not None))
    if plan is not None:
        parts.append(QuantizationAware(plan))
    return Constraints(*parts) if parts else None


def is_last_phase(settings: FinetuneSettings, base: str | Path, head_is_new: bool) -> bool:
    """Whether a classifier that was trained before only gets used to a plan's grid."""
    is_small_step = settings.quantize is not None and not settings.is_gradual
    return is_small_step and not head_is_new and not (local_directory(base) / _CUT_RECORD).is_file()


def constraint_notes(settings: FinetuneSettings, plan: Plan | None) -> Sequence[str]:
    """Return what is worth saying of a training that keeps weights to a rule."""
    notes = []
    if settings.sparsity is not None:
        notes.append(
            f"{100 * settings.sparsity:g} % of each linear layer's weights end up zero; the last epoch is "
            "kept, as earlier ones have fewer zeros. They pay where the file is compressed, as in a store."
        )
    if settings.clusters is not None:
        bits = max(1, (settings.clusters - 1).bit_length())
        notes.append(
            f"Each weight ends up with {settings.clusters} values; the last epoch is kept. A plan with "
            f"palette{bits} weights stores just these; elsewhere they pay where the file is compressed."
        )
    if plan is not None:
        activations = ""
        if plan.activations == "int8":
            activations = ", activations quantised per token as LiteRT's runtime does"
        notes.append(
            f"Trained on the grid of the plan {plan.name!r} (weights {plan.weights}, embedding "
            f"{plan.embedding}{activations}): the dev scores are those of a file of this plan."
        )
    return notes
