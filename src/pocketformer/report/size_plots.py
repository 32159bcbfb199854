"""The drawn figure of what a megabyte buys: the files of all formats and plans on one pair of axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator

from pocketformer.report.plot_style import MARKERS, MUTED, PAPER, SERIES, STYLE, svg

__all__ = ["Dot", "size_accuracy_plot"]

_CLOSE = 1.25  # sizes of one plan in two formats differ less than that, and share its name


@dataclass(frozen=True, slots=True)
class Dot:
    """One file: its plan and format, its sizes in MB and its accuracy in per cent."""

    plan: str
    format: str
    size: float
    zipped: float
    accuracy: float


def size_accuracy_plot(dots: Sequence[Dot], reference: float | None) -> str:
    """Draw accuracy over size (logarithmic), a line per format through its plans.

    Filled is a file on disk, hollow what it is zipped. Plans are named once, above the files that have them.

    Args:
        dots: The files, in any order.
        reference: PyTorch's accuracy in per cent, drawn as a line; None draws none.
    """
    with style.context(["default", STYLE]):
        figure = Figure(figsize=(6.2, 3.4))
        axes = figure.add_axes((0.11, 0.16, 0.86, 0.72))
        axes.set_xscale("log")
        _limit(axes, dots, reference)
        if reference is not None:
            axes.axhline(reference, color=MUTED, linewidth=1.2, linestyle=(0, (4, 3)))
            axes.annotate(
                f"PyTorch {reference:.2f} %", (0, reference), xycoords=("axes fraction", "data"),
                xytext=(4, -4), textcoords="offset points", va="top", color=MUTED,
            )  # fmt: skip
        formats = list(dict.fromkeys(dot.format for dot in dots))
        for place, name in enumerate(formats):
            of_format = sorted((dot for dot in dots if dot.format == name), key=lambda dot: dot.size)
            _draw(axes, of_format, SERIES[place % len(SERIES)], MARKERS[place % len(MARKERS)])
        _name_plans(axes, dots)
        if len(formats) > 1:
            axes.legend(loc="lower right", handlelength=1.6)
        axes.set_xlabel("MB")
        axes.set_ylabel("accuracy, %")
        return svg(figure, "size")


def _limit(axes: Any, dots: Sequence[Dot], reference: float | None) -> None:
    heights = [dot.accuracy for dot in dots] + ([] if reference is None else [reference])
    room = max(0.3, 0.12 * (max(heights) - min(heights)))
    axes.set_ylim(min(heights) - 2 * room, max(heights) + room)
    sizes = [size for dot in dots for size in (dot.size, dot.zipped)]
    axes.set_xlim(min(sizes) / 1.4, max(sizes) * 1.4)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(LogLocator(subs=()))


def _draw(axes: Any, dots: Sequence[Dot], colour: str, marker: str) -> None:
    axes.plot(
        [dot.size for dot in dots], [dot.accuracy for dot in dots], color=colour, linewidth=1.4,
        marker=marker, ms=8, mfc=colour, mec=PAPER, mew=1, label=dots[0].format,
    )  # fmt: skip
    for dot in dots:
        axes.plot([dot.zipped, dot.size], [dot.accuracy] * 2, color=colour, linewidth=0.8)
        axes.plot([dot.zipped], [dot.accuracy], marker, ms=6, mfc=PAPER, mec=colour, mew=1.4)


def _name_plans(axes: Any, dots: Sequence[Dot]) -> None:
    """Write the name of each plan above the axes, at its size, on a second line where two would touch."""
    sizes = {plan: [dot.size for dot in dots if dot.plan == plan] for plan in {dot.plan for dot in dots}}
    middles = sorted(((sum(found) / len(found), plan) for plan, found in sizes.items()))
    level, last = 0, 0.0
    for middle, plan in middles:
        level = (level + 1) % 3 if last and middle / last < _CLOSE**2 else 0
        last = middle
        axes.annotate(
            plan, (middle, 1), xycoords=("data", "axes fraction"), xytext=(0, 4 + 12 * level),
            textcoords="offset points", ha="center",
        )  # fmt: skip
