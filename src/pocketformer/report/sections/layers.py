"""Where a file's values leave PyTorch's: the error of every layer, for the files that were looked into."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketformer.report import figures, plots
from pocketformer.report.blocks import Block, Bullets, Column, Paragraph, Plot, Section, Table
from pocketformer.report.lookups import short_name

if TYPE_CHECKING:
    from pocketformer.checks import LayerCurve
    from pocketformer.edition import Edition

__all__ = ["layers_section"]

_METHOD = (
    "The values inside each file were compared with PyTorch's, layer by layer, on the text on which the file "
    "is furthest off. An error that grows little by little is rounding; one that jumps names a broken layer."
)


def layers_section(edition: Edition) -> Section | None:
    """Return the curves of the files that `verify --layers` looked into, or that missed a limit."""
    curves = {short_name(edition, file): file.layers for file in edition.files if file.layers is not None}
    if not curves:
        return None
    findings = Bullets(tuple(f"{name}: {curve}" for name, curve in curves.items()))
    blocks: list[Block] = [Paragraph(_METHOD), findings, _plot(curves), _table(curves)]
    return Section("layers", "Error by layer", blocks)


def _plot(curves: dict[str, LayerCurve]) -> Plot:
    drawn = [
        plots.LayerLine(name, tuple((row.layer, row.error) for row in curve.leaves))
        for name, curve in curves.items()
    ]
    said = "; ".join(
        f"{line.name} from {figures.error(line.points[0][1])} to {figures.error(line.points[-1][1])}"
        for line in drawn
    )
    caption = "Relative error of each layer's output, in the order they run; the error axis is logarithmic."
    return Plot(caption, f"Relative error over layers: {said}.", plots.layer_plot(drawn))


def _table(curves: dict[str, LayerCurve]) -> Table:
    columns = (
        Column("Layer", numeric=False, code=True),
        Column("Type", numeric=False),
        *(Column(name) for name in curves),
    )
    kinds = {row.layer: row.type for curve in curves.values() for row in curve.leaves}
    errors = {name: {row.layer: row.error for row in curve.leaves} for name, curve in curves.items()}
    rows = tuple(
        (layer, kind, *(figures.error(errors[name].get(layer)) for name in curves))
        for layer, kind in kinds.items()
    )
    return Table("Relative error by layer", columns, rows)
