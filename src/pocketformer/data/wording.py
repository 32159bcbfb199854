"""How names and values are quoted in the sentences of this room."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_LONGEST_QUOTE = 60
_LONGEST_LIST = 10


def quoted(value: str) -> str:
    """Return `value` in quotes, cut where it is too long for a sentence."""
    return repr(value if len(value) <= _LONGEST_QUOTE else value[: _LONGEST_QUOTE - 1] + "…")


def listed(items: Iterable[str]) -> str:
    """Return ready-made items joined by commas, the first ten of them and how many more there are."""
    shown = list(items)
    more = len(shown) - _LONGEST_LIST
    tail = f" and {more:,} more" if more > 0 else ""
    return ", ".join(shown[:_LONGEST_LIST]) + tail


def suggestion(wrong: str, right: Iterable[str]) -> str:
    """Return ` Did you mean 'x'?` for the closest of `right`, or nothing when none is close."""
    by_lower = {name.casefold(): name for name in right}
    close = get_close_matches(wrong.casefold(), by_lower, n=1)
    return f" Did you mean {quoted(by_lower[close[0]])}?" if close else ""


def amount(number: int, noun: str) -> str:
    """Return the number with its noun, as in `1 row` and `1,203 rows`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
