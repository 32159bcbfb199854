"""A page as HTML and as Markdown, through the templates beside this file."""

from __future__ import annotations

import re

from jinja2 import Environment, PackageLoader, StrictUndefined

from pocketformer.report import markdown
from pocketformer.report.blocks import Column, Heatmap, Page, Table

__all__ = ["render_html", "render_markdown"]

# Not allowed in HTML, or in UTF-8 at all; a table of real texts may hold any of them.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def render_html(page: Page) -> str:
    """Return a page as one HTML document that loads nothing from elsewhere."""
    return _render("report.html.j2", page)


def render_markdown(page: Page) -> str:
    """Return a page as GitHub Markdown, without its plots."""
    return _render("report.md.j2", page)


def _render(name: str, page: Page) -> str:
    environment = Environment(
        loader=PackageLoader("pocketformer.report", "templates"),
        autoescape=name.endswith(".html.j2"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        markdown=markdown.escape, markdown_table=markdown.table, heatmap_table=_heatmap_table
    )
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", environment.get_template(name).render(page=page))


def _heatmap_table(heatmap: Heatmap) -> Table:
    columns = (Column("true \\ predicted", numeric=False), *(Column(label) for label in heatmap.labels))
    rows = tuple(
        (label, *(f"{count:,}" for count in line))
        for label, line in zip(heatmap.labels, heatmap.counts, strict=True)
    )
    return Table(heatmap.caption, columns, rows)
