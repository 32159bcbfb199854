"""The budget: the frontier of plans, the one that was chosen, and what each layer's precision costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketformer.report import figures
from pocketformer.report.blocks import Block, Column, Paragraph, Plot, Section, Table
from pocketformer.report.budget_plots import frontier_plot

if TYPE_CHECKING:
    from pocketformer.budget import BudgetResult
    from pocketformer.edition import Edition

__all__ = ["budget_section"]


def budget_section(edition: Edition) -> Section | None:
    """Return the plans that were tried, and why the chosen one was."""
    result = edition.budget
    if result is None:
        return None
    best = result.best
    lost = "lose" if result.labelled else "disagree on"
    label = (
        f"Plans from {result.options[0].megabytes:.2f} to {result.options[-1].megabytes:.2f} MB {lost} "
        f"{min(option.drop for option in result.options):.2f} to "
        f"{max(option.drop for option in result.options):.2f} points."
    )
    blocks: list[Block] = [
        Paragraph(_sentence(result)),
        Plot(
            "The frontier: points lost on the dev rows over the size of the file",
            label,
            frontier_plot(result),
        ),
        _options(result),
        _layers(result),
    ]
    return Section("budget", f"Budget: {best.megabytes:.2f} MB", blocks)


def _sentence(result: BudgetResult) -> str:
    limits = {
        "at most {:g} MB": result.settings.max_mb,
        "at most {:g} points lost": result.settings.max_drop,
        "at most {:g} ms": result.settings.max_ms,
    }
    asked = ", ".join(text.format(limit) for text, limit in limits.items() if limit is not None)
    kind = "accuracy" if result.labelled else "agreement with float32"
    return (
        f"Asked for: {asked}. Of {len(result.options)} plans the best has {result.best.megabytes:.2f} MB and "
        f"loses {result.best.drop:.2f} points of {kind} on {result.dev_texts:,} dev rows."
    )


def _options(result: BudgetResult) -> Table:
    columns = (
        Column("Plan", numeric=False),
        Column("MB"),
        Column("Points lost"),
        Column("Divergence, nats"),
        Column("ms"),
        Column("Layers per format", numeric=False),
    )
    rows = tuple(
        (
            f"{place + 1}{' (chosen)' if place == result.chosen else ''}",
            f"{option.megabytes:.2f}",
            f"{option.drop:.2f}",
            figures.significant(option.divergence),
            figures.ABSENT if option.milliseconds is None else figures.significant(option.milliseconds),
            _mixture([str(stored) for stored in option.plan.layers.values()]),
        )
        for place, option in enumerate(result.options)
    )
    note = "Sizes are computed; the file's own stands above. Activations are quantised as the file does."
    return Table("Plans that were tried", columns, rows, note).without_empty_columns()


def _mixture(formats: list[str]) -> str:
    return ", ".join(
        f"{formats.count(name)} × {name}" for name in dict.fromkeys(sorted(formats, reverse=True))
    )


def _layers(result: BudgetResult) -> Table:
    """Return each layer's divergence by format, the layer alone being changed."""
    formats = list(dict.fromkeys(cost.format for cost in result.costs))
    found = {(cost.layer, cost.format): cost for cost in result.costs}
    chosen = {layer: str(stored) for layer, stored in result.best.plan.layers.items()}
    columns = (
        Column("Layer", numeric=False, code=True),
        *map(Column, formats),
        Column("Chosen", numeric=False),
    )
    rows = tuple(
        (
            layer,
            *(
                figures.significant(found[layer, name].divergence)
                if (layer, name) in found
                else figures.ABSENT
                for name in formats
            ),
            stored,
        )
        for layer, stored in chosen.items()
    )
    return Table("What each layer's precision costs: divergence from float32, nats", columns, rows)
