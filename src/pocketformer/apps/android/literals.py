"""Texts as literals of Kotlin and of Android's string resources, whatever is in them."""

from __future__ import annotations

from xml.sax.saxutils import escape

__all__ = ["android_string", "kotlin"]

_KOTLIN = {"\\": r"\\", '"': r"\"", "$": r"\$", "\n": r"\n", "\r": r"\r", "\t": r"\t"}
_ANDROID = {"\\": r"\\", '"': r"\"", "'": r"\'", "\n": r"\n", "\t": r"\t"}
_FIRST = {"@": r"\@", "?": r"\?"}  # a reference to a resource, or to an attribute of the theme


def kotlin(text: str) -> str:
    """Return a text as a Kotlin string literal, quotes included."""
    return f'"{"".join(_KOTLIN.get(char) or _shown(char) for char in text)}"'


def android_string(text: str) -> str:
    """Return a text as the content of a `<string>` of Android's resources."""
    characters = [_ANDROID.get(char) or _shown(char) for char in text]
    if text[:1] in _FIRST:
        characters[0] = _FIRST[text[0]]
    # aapt takes white space together and drops it at the ends.
    spaced = [
        r"\u0020" if char == " " and (place in (0, len(text) - 1) or text[place - 1] == " ") else char
        for place, char in enumerate(characters)
    ]
    return escape("".join(spaced))


def _shown(char: str) -> str:
    """Return a character, or its escape where it could not be seen, or turns the direction of others."""
    if char.isprintable():
        return char
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place]:02x}{units[place + 1]:02x}" for place in range(0, len(units), 2))
