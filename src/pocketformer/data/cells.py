"""What one value of a table says: a text, or labels."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass

from pocketformer.data.wording import quoted
from pocketformer.errors import DataError

# What JSON can escape and no UTF-8 text holds: NUL, and half of a surrogate pair.
_NO_TEXT_CHARACTER = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Cell:
    """One value and where it stands, for the sentences about it."""

    value: object
    row: int
    column: str
    where: str

    def text(self) -> str:
        """Return the value as it stands, or empty text where there is none.

        Raises:
            DataError: It is no text.
        """
        if _is_missing(self.value):
            return ""
        if not isinstance(self.value, str):
            raise self._error(
                f"has a value of type {type(self.value).__name__}",
                "expected text. Name the column of the texts with `text`, or write the value in quotes.",
            )
        return self._checked(self.value)

    def labels(self, separator: str | None) -> tuple[str, ...]:
        """Return the labels that the value holds: none, one, or (a list, or text with separators) several.

        Whole numbers are written without a decimal point; whitespace around a label is removed and its
        letters are composed (NFC).

        Raises:
            DataError: It is neither text nor a number nor a list of them.
        """
        if not isinstance(self.value, list):
            return self._labels(self.value, separator)
        return tuple(label for part in self.value for label in self._labels(part, None))

    def _labels(self, value: object, separator: str | None) -> tuple[str, ...]:
        if _is_missing(value):
            return ()
        if isinstance(value, bool):
            return ("true" if value else "false",)
        if isinstance(value, int | float):
            return (str(int(value)) if float(value).is_integer() else str(value),)
        if not isinstance(value, str):
            raise self._error(
                f"has a value of type {type(value).__name__}",
                "expected text, a number, or a list of them. Name the column of the labels with `label`.",
            )
        parts = self._checked(value).split(separator) if separator else [self._checked(value)]
        return tuple(unicodedata.normalize("NFC", part.strip()) for part in parts if part.strip())

    def _checked(self, value: str) -> str:
        fault = _NO_TEXT_CHARACTER.search(value)
        if fault:
            raise self._error(
                f"has the character U+{ord(fault[0]):04X}", "which is no part of a text. Remove it."
            )
        return value

    def _error(self, fault: str, cure: str) -> DataError:
        return DataError(f"{self.where}: row {self.row:,} {fault} in column {quoted(self.column)}, {cure}")


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
