"""The look of drawn figures: SVG markup that takes its colours and typeface from the page around it."""

from __future__ import annotations

import io
import re
import warnings

from matplotlib.figure import Figure

__all__ = ["INK", "MARKERS", "MUTED", "PAPER", "SERIES", "STYLE", "svg"]

# Drawn in these stand-ins, then named after the page's own colours: one drawing for light and dark.
INK, MUTED, GRID, PAPER = "#010101", "#020202", "#030303", "#040404"
SERIES = tuple(f"#0500{place:02x}" for place in range(6))
_PAGE_COLOURS = {
    INK: "var(--ink)", MUTED: "var(--muted)", GRID: "var(--line)", PAPER: "var(--paper)",
    **{colour: f"var(--series-{place})" for place, colour in enumerate(SERIES)},
}  # fmt: skip
MARKERS = "osD^vP*Xd"
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "pocketformer",
    "text.parse_math": False,
    "font.size": 11,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.facecolor": "none",
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "figure.facecolor": "none",
    "legend.frameon": False,
}


def svg(figure: Figure, name: str) -> str:
    """Return a figure as an `<svg>` element whose ids begin with `name`, so that several share a page."""
    buffer = io.StringIO()
    with warnings.catch_warnings():
        # Its own font lacks many scripts; the reader's browser, which sets the text, does not.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    markup = buffer.getvalue()
    markup = markup[markup.index("<svg") :]
    markup = re.sub(r"\s*<metadata>.*?</metadata>", "", markup, flags=re.DOTALL)
    markup = re.sub(
        r'<svg[^>]*?(viewBox="[^"]*")[^>]*>', r'<svg \1 aria-hidden="true">', markup, count=1, flags=re.DOTALL
    )
    markup = markup.replace("xlink:href", "href")
    markup = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", markup)
    markup = re.sub(r"(font: [0-9.]+px) [^;\"]*", r"\1 var(--sans)", markup)
    return re.sub("|".join(_PAGE_COLOURS), lambda found: _PAGE_COLOURS[found.group()], markup)
