"""The drawn figures of a search, as SVG markup: its course, and what each setting did."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pocketformer.report.plot_style import MUTED, PAPER, SERIES, STYLE, svg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pocketformer.search import SearchResult, TrialRecord

__all__ = ["search_plot", "settings_plot"]

_COLUMNS = 3
_WIDTH, _ROW_HEIGHT = 6.2, 1.9  # inches
_COMPLETE, _BEST = SERIES[0], SERIES[1]


def search_plot(result: SearchResult) -> str:
    """Draw macro-F1 over trials, hollow where they were pruned, and the best so far as a line."""
    with style.context(["default", STYLE]):
        figure = Figure(figsize=(_WIDTH, 2.9))
        axes = figure.add_axes((0.11, 0.18, 0.86, 0.78))
        numbers = [trial.number for trial in result.trials]
        axes.step(numbers, _best_so_far(result.trials), where="post", color=MUTED, linewidth=1.4)
        _draw(axes, result, numbers)
        axes.set_xlabel("trial")
        axes.set_ylabel("dev macro-F1, %")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        return svg(figure, "search")


def settings_plot(result: SearchResult) -> str:
    """Draw macro-F1 against each setting that was searched, in small figures side by side."""
    rows = math.ceil(len(result.searched) / _COLUMNS)
    with style.context(["default", {**STYLE, "font.size": 9}]):
        figure = Figure(figsize=(_WIDTH, rows * _ROW_HEIGHT), layout="constrained")
        grid = figure.subplots(rows, _COLUMNS, sharey=True, squeeze=False)
        for axes in grid.flat[len(result.searched) :]:
            axes.remove()
        for axes, setting in zip(grid.flat, result.searched, strict=False):
            values = [trial.params[setting.name] for trial in result.trials]
            if any(isinstance(value, str) for value in values):
                names = sorted({str(value) for value in values})
                axes.set_xticks(range(len(names)), names)
                axes.set_xlim(-0.5, len(names) - 0.5)
                values = [names.index(str(value)) for value in values]
            _draw(axes, result, values)
            if setting.logarithmic:
                axes.set_xscale("log")
            axes.set_xlabel(setting.name)
        for line in grid:
            line[0].set_ylabel("macro-F1, %")
        return svg(figure, "settings")


def _draw(axes: Any, result: SearchResult, places: Sequence[Any]) -> None:
    for place, trial in zip(places, result.trials, strict=True):
        colour = _BEST if trial.number == result.best.number else _COMPLETE
        face = colour if trial.state == "complete" else PAPER
        axes.plot([place], [trial.value * 100], "o", ms=6, mfc=face, mec=colour, mew=1.4)


def _best_so_far(trials: Sequence[TrialRecord]) -> list[float]:
    best, line = math.nan, []
    for trial in trials:
        if trial.state == "complete":
            best = trial.value if math.isnan(best) else max(best, trial.value)
        line.append(best * 100)
    return line
