"""Values as Swift and Xcode's project files write them."""

from __future__ import annotations

__all__ = ["plist_string", "swift_literal"]

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}


def swift_literal(value: str | int | bool | None) -> str:
    r"""Return a value as a Swift literal.

    Letters of every script stay as they are. What breaks out of a string (quotes, backslashes, and so the
    interpolation `\(`), and what cannot be seen in a source file, is escaped.
    """
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return '"' + "".join(_escaped(char) for char in value) + '"'


def plist_string(value: str) -> str:
    """Return a string as the property list of an Xcode project writes it, in quotes."""
    kept = "".join(char if char.isprintable() else " " for char in value)
    return '"' + kept.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    # A lone surrogate is no character of Swift's.
    return "\\u{FFFD}" if "\ud800" <= char <= "\udfff" else f"\\u{{{ord(char):X}}}"
