"""Which plan is best within a budget, or which limit none of them keeps."""

from __future__ import annotations

from collections.abc import Sequence

from pocketformer.budget.result import Option
from pocketformer.budget.settings import BudgetSettings
from pocketformer.errors import BudgetError

__all__ = ["choose"]

_TRAIN = "Training with the plan wins most of it back (`quantize` in [finetune] or [distill])."


def choose(options: Sequence[Option], settings: BudgetSettings) -> int:
    """Return the place of the best option: the most exact within `max_mb`, else the smallest.

    Raises:
        BudgetError: No option keeps all limits; the sentence says which one binds and how near they came.
    """
    kept = [place for place, option in enumerate(options) if _keeps(option, settings)]
    if not kept:
        raise BudgetError(_why_impossible(options, settings))
    if settings.max_mb is not None:
        return min(kept, key=lambda place: (options[place].divergence, options[place].megabytes))
    return min(kept, key=lambda place: (options[place].megabytes, options[place].divergence))


def _keeps(option: Option, settings: BudgetSettings, besides: str = "") -> bool:
    """Whether an option keeps the limits, `besides` one of them."""
    found = {
        "max_mb": option.megabytes,
        "max_drop": option.drop,
        "max_ms": option.milliseconds,
    }
    return all(
        limit is None or name == besides or (value is not None and value <= limit + 1e-9)
        for name, value in found.items()
        for limit in [getattr(settings, name)]
    )


def _why_impossible(options: Sequence[Option], settings: BudgetSettings) -> str:
    smallest = min(options, key=lambda option: option.megabytes)
    exact = min(options, key=lambda option: option.drop)
    timed = [option.milliseconds for option in options if option.milliseconds is not None]
    if settings.max_mb is not None and smallest.megabytes > settings.max_mb:
        return (
            f"No plan fits: the smallest file has {smallest.megabytes:.2f} MB, at most {settings.max_mb:g} "
            "was asked for. A smaller model is the way (`pocketformer shrink`: layers, neurons, vocabulary)."
        )
    if settings.max_drop is not None and exact.drop > settings.max_drop:
        return (
            f"No plan is exact enough: the best one loses {exact.drop:.2f} points, at most "
            f"{settings.max_drop:g} was asked for. {_TRAIN}"
        )
    if settings.max_ms is not None and min(timed, default=0) > settings.max_ms:
        return (
            f"No plan is quick enough: the quickest takes {min(timed):.2f} ms, at most {settings.max_ms:g} "
            "was asked for. Fewer layers, neurons or heads are quicker (`pocketformer shrink`)."
        )
    return _nearest_miss(options, settings)


def _nearest_miss(options: Sequence[Option], settings: BudgetSettings) -> str:
    """Say how near one comes that keeps all limits but one, of those that matter the drop first."""
    for name, unit in (("max_drop", "points lost"), ("max_mb", "MB"), ("max_ms", "ms")):
        if getattr(settings, name) is None:
            continue
        near = [option for option in options if _keeps(option, settings, besides=name)]
        if near:
            value = {"max_drop": "drop", "max_mb": "megabytes", "max_ms": "milliseconds"}[name]
            best = min(getattr(option, value) for option in near)
            return (
                f"No plan keeps every limit at once: of those that keep the others, the best has {best:.2f} "
                f"{unit}, at most {getattr(settings, name):g} was asked for. Loosen a limit. {_TRAIN}"
            )
    return "No plan keeps even two of the limits at once. Loosen them, or make the model smaller."
