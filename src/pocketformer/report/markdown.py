"""Text and tables as GitHub Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pocketformer.report.blocks import Table

__all__ = ["escape", "table"]

_SPECIAL = re.compile(r"([\\`*\[\]|~#$])")
_OUTER_UNDERSCORE = re.compile(r"(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")
_LIST_MARK = re.compile(r"^([-+]|\d+[.)])(?=\s)")


def escape(text: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    text = " ".join(text.split())
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = _OUTER_UNDERSCORE.sub(r"\\_", _SPECIAL.sub(r"\\\1", text))
    return _LIST_MARK.sub(lambda mark: mark.group()[:-1] + "\\" + mark.group()[-1], text)


def table(content: Table) -> str:
    """Return the lines of a Markdown table, numeric columns flush right."""
    rules = ("---:" if column.numeric else "---" for column in content.columns)
    lines = [
        _line(escape(column.title) for column in content.columns),
        _line(rules),
        *(_line(escape(cell) for cell in row) for row in content.rows),
    ]
    return "\n".join(lines)


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"
