"""Figures and excerpts as text: the one place that decides on digits, signs and what is missing."""

from __future__ import annotations

import math

__all__ = [
    "ABSENT",
    "count",
    "duration",
    "error",
    "excerpt",
    "megabytes",
    "percent",
    "plain",
    "points",
    "share",
    "significant",
    "threads",
]

#: Stands where a figure was not measured.
ABSENT = "–"

_MINUS = "\N{MINUS SIGN}"
_BYTES_PER_MB = 1e6
_LONGEST_EXCERPT = 280


def count(value: int | None) -> str:
    """Return a whole number with thousands separators."""
    return ABSENT if value is None else f"{value:,}"


def significant(value: float | None, digits: int = 3) -> str:
    """Return a number with so many significant digits; in scientific notation outside 1e-6 to 1e9."""
    if value is None:
        return ABSENT
    if not math.isfinite(value):
        return _odd(value)
    if value == 0:
        return "0"
    mantissa, power = f"{value:.{digits - 1}e}".split("e")
    exponent = int(power)
    if not -6 <= exponent < 9:
        return _scientific(mantissa, exponent)
    rounded = float(f"{mantissa}e{exponent}")
    return _signed(f"{rounded:,.{max(0, digits - 1 - exponent)}f}")


def megabytes(size_bytes: int | None) -> str:
    """Return bytes in MB (10^6 bytes), three significant digits."""
    return ABSENT if size_bytes is None else significant(size_bytes / _BYTES_PER_MB)


def percent(fraction: float | None) -> str:
    """Return a fraction in per cent with two decimals; the unit stands in the header."""
    if fraction is None:
        return ABSENT
    return _signed(f"{fraction * 100:.2f}") if math.isfinite(fraction) else _odd(fraction)


def share(fraction: float | None) -> str:
    """Return a fraction as whole per cent with its sign, for use in a sentence."""
    return ABSENT if fraction is None else f"{fraction * 100:.0f} %"


def points(difference: float | None) -> str:
    """Return a difference of two fractions in percentage points, with its sign unless it is zero."""
    if difference is None:
        return ABSENT
    if not math.isfinite(difference):
        return _odd(difference)
    text = f"{difference * 100:+.2f}"
    return "0.00" if float(text) == 0 else _signed(text)


def error(value: float | None) -> str:
    """Return an error with two significant digits, in scientific notation below a thousandth."""
    if value is None:
        return ABSENT
    if not math.isfinite(value):
        return _odd(value)
    if value and abs(value) < 1e-3:
        mantissa, power = f"{value:.1e}".split("e")
        return _scientific(mantissa, int(power))
    return significant(value, 2)


def duration(seconds: float) -> str:
    """Return a wall time in the unit that suits it."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h"


def excerpt(text: str) -> str:
    """Return a text on one line, cut where it is too long for a table."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_EXCERPT else line[: _LONGEST_EXCERPT - 1] + "…"


def threads(number: int) -> str:
    """Return a count of processor threads."""
    return "1 thread" if number == 1 else f"{number} threads"


def plain(value: object) -> str:
    """Return a setting of any kind: numbers as a person would write them, lists with commas."""
    if value is None:
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(plain(item) for item in value)
    return str(value)


def _scientific(mantissa: str, exponent: int) -> str:
    return f"{_signed(mantissa)}e{exponent}"


def _signed(text: str) -> str:
    return text.replace("-", _MINUS)


def _odd(value: float) -> str:
    """Not a number, or infinite: told as it is, for it is the finding."""
    return "NaN" if math.isnan(value) else _signed(f"{value:+}".replace("inf", "∞"))
