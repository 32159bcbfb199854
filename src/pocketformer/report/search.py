"""The page of a search: where it is written, and what came of it in a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pocketformer import files
from pocketformer.errors import MissingExtraError
from pocketformer.report import figures

if TYPE_CHECKING:
    from pocketformer.search import SearchResult

__all__ = ["SEARCH_HTML", "search_verdict", "write_search_page"]

#: Name of the page in the directory of a search.
SEARCH_HTML = "search.html"


def write_search_page(result: SearchResult, directory: Path) -> Path:
    """Write `search.html`, which needs nothing beside it; return its path.

    Raises:
        MissingExtraError: jinja2 or matplotlib is not installed.
        PocketformerError: The directory cannot be written to.
    """
    try:
        from pocketformer.report.render import render_html
        from pocketformer.report.search_page import search_page
    except ModuleNotFoundError as error:
        raise MissingExtraError("report", error.name or "jinja2") from error
    path = directory / SEARCH_HTML
    files.write_text(path, render_html(search_page(result)))
    return path


def search_verdict(result: SearchResult) -> str:
    """Return what came of it, in a sentence."""
    best = result.best
    found = f"Trial {best.number}: {figures.percent(best.value)} % macro-F1 on the dev rows"
    if result.first is None:
        return f"{found}."
    name = {"start": "the starting point", "defaults": "the defaults"}[result.first.role or "defaults"]
    if result.first == best:
        return f"{found}; nothing was better than {name}."
    return (
        f"{found}, {figures.points(result.gain)} points against {name} "
        f"({figures.percent(result.first.value)} %)."
    )
