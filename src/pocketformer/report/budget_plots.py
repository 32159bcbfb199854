"""The drawn figure of a budget: points lost over megabytes, with the limits that were asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib import style
from matplotlib.figure import Figure

from pocketformer.report.plot_style import MUTED, PAPER, SERIES, STYLE, svg

if TYPE_CHECKING:
    from pocketformer.budget import BudgetResult

__all__ = ["frontier_plot"]


def frontier_plot(result: BudgetResult) -> str:
    """Draw every plan that was tried, the chosen one filled, and the limits as lines."""
    limits: dict[str, Any] = {"color": MUTED, "linewidth": 1.2, "linestyle": (0, (4, 3))}
    with style.context(["default", STYLE]):
        figure = Figure(figsize=(6.2, 3))
        axes = figure.add_axes((0.1, 0.18, 0.87, 0.78))
        sizes = [option.megabytes for option in result.options]
        axes.plot(sizes, [option.drop for option in result.options], color=SERIES[0], linewidth=1.4)
        for place, option in enumerate(result.options):
            colour = SERIES[1] if place == result.chosen else SERIES[0]
            face = colour if place == result.chosen else PAPER
            axes.plot([option.megabytes], [option.drop], "o", ms=7, mfc=face, mec=colour, mew=1.6)
        if result.settings.max_mb is not None:
            axes.axvline(result.settings.max_mb, **limits)
        if result.settings.max_drop is not None:
            axes.axhline(result.settings.max_drop, **limits)
        axes.set_xlabel("MB of the file")
        axes.set_ylabel("points lost")
        return svg(figure, "budget")
