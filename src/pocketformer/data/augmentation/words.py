"""A text as words and what stands between them, so that words can move and the spacing stays natural."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["Words", "is_alone", "like"]

_GAP, _PART, _ALONE, _MARK = range(4)

# Han and kana, which are written without spaces: radicals, iteration marks, kana, ideographs, halfwidth kana.
_ALONE_SIGNS = re.compile(
    "[\u2e80-\u2fdf\u3005-\u3007\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\uff66-\uff9f\U0001aff0-\U0001b16f\U00020000-\U0003ffff]"
)
_INSIDE_WORDS = "'’-"
_INSIDE_NUMBERS = ".,"
_OPENING, _CLOSING = "([{<“‘«„「『（【《〈\"'", ")]}>”’»“」』）】》〉\"'"
_BRACKETS = dict(zip(_OPENING, _CLOSING, strict=True))


@dataclass(frozen=True, slots=True)
class Words:
    """A text in pieces: `gaps[0] + words[0] + gaps[1] + … + gaps[-1]`.

    Attributes:
        words: Runs of letters, marks and digits; each Han or kana sign is a word of its own.
        gaps: The spaces and punctuation around them, one more than words.
    """

    words: tuple[str, ...]
    gaps: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Words:
        """Take a text apart; `text` gives it back exactly."""
        words, gaps, end = [], [], 0
        for start, stop in _spans(text):
            gaps.append(text[end:start])
            words.append(text[start:stop])
            end = stop
        return cls(tuple(words), (*gaps, text[end:]))

    @property
    def text(self) -> str:
        """The whole text."""
        after = zip(self.words, self.gaps[1:], strict=True)
        return self.gaps[0] + "".join(word + gap for word, gap in after)

    def replaced(self, changes: Mapping[tuple[int, int], str]) -> Words:
        """Return a copy with other words.

        Args:
            changes: By first word and number of words, what stands in their place; they must not overlap.
        """
        words, gaps = list(self.words), list(self.gaps)
        for (start, count), new in sorted(changes.items(), reverse=True):
            words[start : start + count] = [new]
            gaps[start + 1 : start + count] = []
        return Words(tuple(words), tuple(gaps))

    def without(self, places: Collection[int]) -> Words:
        """Return a copy without the words at `places`; of the two gaps around one, the fitting one stays."""
        words: list[str] = []
        gaps = [self.gaps[0]]
        last = len(self.words) - 1
        for place, (word, after) in enumerate(zip(self.words, self.gaps[1:], strict=True)):
            if place not in places:
                words.append(word)
                gaps.append(after)
            else:
                gaps[-1] = _merged(gaps[-1], after, first=not words, last=place == last)
        return Words(tuple(words), tuple(gaps))


def is_alone(word: str) -> bool:
    """Whether a word is a Han or kana sign, which stands without spaces."""
    return _ALONE_SIGNS.match(word) is not None


def like(original: str, word: str) -> str:
    """Return `word` in the letter case of `original`: capitals, a capital first, or as it is."""
    if len(original) > 1 and original.isupper():
        return word.upper()
    return word[:1].upper() + word[1:] if original[:1].isupper() else word


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield where each word starts and where it ends."""
    start, alone = -1, False
    for place, sign in enumerate(text):
        kind = _kind(sign)
        if start >= 0 and (kind == _MARK or (not alone and (kind == _PART or _joins(text, place)))):
            continue
        if start >= 0:
            yield start, place
        start, alone = (place if kind in (_PART, _ALONE) else -1), kind == _ALONE
    if start >= 0:
        yield start, len(text)


@lru_cache(maxsize=1 << 16)
def _kind(sign: str) -> int:
    if _ALONE_SIGNS.match(sign):
        return _ALONE
    category = unicodedata.category(sign)
    if category[0] in "LN" or sign == "_":
        return _PART
    # Vowel signs, accents, and joiners such as Persian's, go with what they stand on.
    return _MARK if category[0] == "M" or category == "Cf" else _GAP


def _joins(text: str, place: int) -> bool:
    """Whether a sign holds two parts of a word together: don't, e-mail, 1,000.50."""
    before, after = text[place - 1], text[place + 1 : place + 2]
    if not after or _kind(after) != _PART:
        return False
    number = text[place] in _INSIDE_NUMBERS and before.isdigit() and after.isdigit()
    return number or text[place] in _INSIDE_WORDS


def _merged(before: str, after: str, *, first: bool, last: bool) -> str:
    """Return what stands between two words when the one between `before` and `after` goes."""
    if before and after and _BRACKETS.get(before[-1]) == after[0]:
        before, after = before[:-1], after[1:]  # nothing is left inside
    # What closes on the word before, and what opens on the word after, stays with them.
    closing = before[: len(before) - len(before.lstrip(_CLOSING))]
    opening = after[len(after.rstrip(_OPENING)) :] if not last else ""
    before, after = before[len(closing) :], after[: len(after) - len(opening)]
    return closing + _fitting(before, after, first=first, last=last) + opening


def _fitting(before: str, after: str, *, first: bool, last: bool) -> str:
    if first and not last:
        return before
    if last:
        return after
    return after if after.strip() else before or after
