"""The report: everything an edition knows, as one HTML page and as Markdown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pocketformer import files
from pocketformer.errors import MissingExtraError
from pocketformer.report.summary import summary_table

if TYPE_CHECKING:
    from pocketformer.edition import Edition

__all__ = ["REPORT_HTML", "REPORT_MARKDOWN", "summary_table", "write_report"]

#: Names of the files in an edition's directory.
REPORT_HTML = "report.html"
REPORT_MARKDOWN = "report.md"


def write_report(edition: Edition, directory: Path) -> tuple[Path, Path]:
    """Write `report.html`, which needs nothing beside it, and `report.md`; return their paths.

    The same edition always gives the same bytes.

    Raises:
        MissingExtraError: jinja2 or matplotlib is not installed.
        PocketformerError: The directory cannot be written to.
    """
    try:
        from pocketformer.report.render import render_html, render_markdown
        from pocketformer.report.view import page_of
    except ModuleNotFoundError as error:
        raise MissingExtraError("report", error.name or "jinja2") from error
    page = page_of(edition)
    html, markdown = directory / REPORT_HTML, directory / REPORT_MARKDOWN
    files.write_text(html, render_html(page))
    files.write_text(markdown, render_markdown(page))
    return html, markdown
