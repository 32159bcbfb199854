"""Which files an export writes: the plans of a recipe, as far as each format can hold them."""

from __future__ import annotations

from collections.abc import Sequence

from pocketformer.checkpoint import is_classifier, load_classifier, load_encoder
from pocketformer.errors import RecipeError
from pocketformer.pipeline.observer import Observer
from pocketformer.plan import Plan, as_plan, planned_layers
from pocketformer.recipe import ExportRecipe
from pocketformer.targets import target_named

__all__ = ["planned_files"]

_SHOWN = 3  # reasons of one refusal


def planned_files(recipe: ExportRecipe, source: str, observer: Observer) -> list[tuple[str, Plan]]:
    """Return which files to write, as pairs of target and plan.

    A plan that one format cannot hold is left out there, and the observer told of it.

    Args:
        recipe: With targets and plans.
        source: The checkpoint.
        observer: Told what is left out.

    Raises:
        RecipeError: A plan that cannot be read, that rounds by texts, that speaks of layers the checkpoint
            does not have, or that none of the targets can hold.
    """
    plans = [as_plan(one) for one in recipe.precisions]
    model = load_classifier(source) if is_classifier(source) else load_encoder(source)
    files: list[tuple[int, int, str, Plan]] = []
    for order, plan in enumerate(plans):
        if plan.rounding == "gptq":
            raise RecipeError(
                f"The plan {plan.name!r} rounds by what layers see, which takes texts and is done before an "
                "export: `pocketformer.plan.gptq.apply_gptq` from Python. Export its result with 'nearest'."
            )
        layers = planned_layers(model, plan)
        refusals = {name: target_named(name).unrealizable(plan, layers) for name in recipe.targets}
        lacking = {name: reasons for name, reasons in refusals.items() if reasons}
        if len(lacking) == len(refusals):
            why = " ".join(f"{name}: {_told(reasons)}" for name, reasons in lacking.items())
            raise RecipeError(f"No target can hold the plan {plan.name!r}. {why}")
        for name, reasons in lacking.items():
            observer.say(f"{plan.name} is not written as {name}: {_told(reasons)}")
        files += [
            (place, order, name, plan) for place, name in enumerate(recipe.targets) if name not in lacking
        ]
    return [(name, plan) for _, _, name, plan in sorted(files, key=lambda file: file[:2])]


def _told(reasons: Sequence[str]) -> str:
    more = len(reasons) - _SHOWN
    return " ".join(reasons[:_SHOWN]) + (f" And {more} more." if more > 0 else "")
