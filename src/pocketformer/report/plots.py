"""The drawn figures of a report, as SVG markup."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator

from pocketformer.report.plot_style import MARKERS, MUTED, PAPER, SERIES, STYLE, svg

if TYPE_CHECKING:
    from pocketformer.train import EpochScore

__all__ = [
    "LayerLine",
    "Line",
    "latency_plot",
    "layer_plot",
    "training_plot",
]

_LEAST_ERROR = 1e-9  # what is equal has no logarithm
_NAME_HEIGHT = 0.06  # of a line of text, as a part of the axes


@dataclass(frozen=True, slots=True)
class Line:
    """Latency of one contender: milliseconds by tokens. Baselines are dashed and grey."""

    name: str
    points: tuple[tuple[int, float], ...]
    baseline: bool


@dataclass(frozen=True, slots=True)
class LayerLine:
    """One file: its layers in the order they run, and the relative error of each."""

    name: str
    points: tuple[tuple[str, float], ...]


def latency_plot(lines: Sequence[Line]) -> str:
    """Draw median milliseconds (logarithmic) over tokens, one line per contender, named at its end."""
    with style.context(["default", STYLE]):
        figure = Figure(figsize=(6.2, 4))
        axes = figure.add_axes((0.1, 0.14, 0.56, 0.83))
        axes.set_yscale("log")
        heights = [time for line in lines for _, time in line.points]
        axes.set_ylim(min(heights) / 1.35, max(heights) * 1.35)
        for place, line in enumerate(lines):
            _draw(axes, line, place)
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_locator(LogLocator(subs=()))
        axes.set_xlabel("tokens of the text")
        axes.set_ylabel("milliseconds, median")
        _name_ends(axes, lines)
        return svg(figure, "latency")


def training_plot(epochs: Sequence[EpochScore], best_epoch: int) -> str:
    """Draw accuracy and macro-F1 on the dev rows, and both losses, over epochs."""
    with style.context(["default", STYLE]):
        figure = Figure(figsize=(6.2, 2.9))
        quality = figure.add_axes((0.09, 0.18, 0.38, 0.78))
        losses = figure.add_axes((0.6, 0.18, 0.38, 0.78))
        numbers = [epoch.epoch for epoch in epochs]
        _curve(quality, numbers, [epoch.accuracy * 100 for epoch in epochs], "accuracy", 0)
        _curve(quality, numbers, [epoch.macro_f1 * 100 for epoch in epochs], "macro-F1", 1)
        _curve(losses, numbers, [epoch.train_loss for epoch in epochs], "training", 2)
        _curve(losses, numbers, [epoch.dev_loss for epoch in epochs], "dev", 3)
        for axes, title in ((quality, "dev rows, %"), (losses, "loss")):
            axes.set_ylabel(title)
            axes.set_xlabel("epoch")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.axvline(best_epoch, color=MUTED, linewidth=1, linestyle=(0, (2, 3)))
            axes.legend(handlelength=1.4)
        return svg(figure, "training")


def layer_plot(lines: Sequence[LayerLine]) -> str:
    """Draw the relative error (logarithmic) over the layers, one line per file."""
    with style.context(["default", STYLE]):
        figure = Figure(figsize=(6.2, 3.6))
        axes = figure.add_axes((0.12, 0.2, 0.6, 0.77))
        axes.set_yscale("log")
        for place, line in enumerate(lines):
            errors = [max(error, _LEAST_ERROR) for _, error in line.points if math.isfinite(error)]
            axes.plot(range(len(errors)), errors, color=SERIES[place % len(SERIES)], label=line.name)
        blocks = _blocks([layer for layer, _ in lines[0].points])
        axes.set_xticks(list(blocks), list(blocks.values()), rotation=60, ha="right", fontsize=9)
        axes.set_ylabel("relative error")
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), handlelength=1.4)
        return svg(figure, "layers")


def _blocks(layers: Sequence[str]) -> dict[int, str]:
    """Return where each numbered block, and each layer outside of one, begins, with a short name for it."""
    begins: dict[int, str] = {}
    last = ""
    for place, layer in enumerate(layers):
        numbered = re.match(r"(?:.*\.)?(\w+\.\d+)\.", layer)
        block = (
            numbered.group(1).replace(".", " ") if numbered else layer.split(".")[-2 if "." in layer else 0]
        )
        if block != last:
            begins[place] = last = block
    return begins


def _draw(axes: Any, line: Line, place: int) -> None:
    tokens, times = zip(*line.points, strict=True)
    width, dashes = (1.4, (0, (4, 3))) if line.baseline else (2, "-")
    axes.plot(tokens, times, color=_colour(line, place), linewidth=width, linestyle=dashes, **_marker(place))


def _colour(line: Line, place: int) -> str:
    return MUTED if line.baseline else SERIES[place % len(SERIES)]


def _marker(place: int) -> dict[str, Any]:
    return {"marker": MARKERS[place % len(MARKERS)], "markersize": 6.5, "markeredgecolor": PAPER}


def _name_ends(axes: Any, lines: Sequence[Line]) -> None:
    """Write each line's name beside its last point, moved apart where they would touch."""
    low, high = (math.log(limit) for limit in axes.get_ylim())
    places = sorted(range(len(lines)), key=lambda place: lines[place].points[-1][1])
    height = 0.0
    for place in places:
        end = (math.log(lines[place].points[-1][1]) - low) / (high - low)
        height = max(end, height + _NAME_HEIGHT)
        key = {"transform": axes.transAxes, "clip_on": False}
        axes.plot([1.04], [height], color=_colour(lines[place], place), **_marker(place), **key)
        axes.text(1.07, height, lines[place].name, transform=axes.transAxes, va="center")


def _curve(axes: Any, x: Sequence[int], y: Sequence[float], name: str, place: int) -> None:
    axes.plot(x, y, color=SERIES[place], linewidth=1.8, label=name, **_marker(place))
