"""What the tokenizers library does to every Unicode character, asked of the library itself.

Cleaning, lowercasing, accent stripping and CJK spacing look at one character at a time, so what they do to
all 1,112,064 of them is all there is to know; no Unicode table is written down here a second time.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

__all__ = ["SPACE", "CharacterProbe", "Unit", "probe_characters"]

_CODE_POINTS = 0x110000
_SURROGATES = range(0xD800, 0xE000)
_CHUNK = 1024  # divides the range of the surrogates
# A letter that no setting changes and no other character turns into; it keeps neighbours apart.
_SEPARATOR = "\ua000"
_LETTER, _ISOLATED, _GAP = range(3)

#: One normalised character ("" for all that no piece holds), and whether it is a word of its own.
Unit = tuple[str, bool]
#: Any whitespace: it ends a word and leaves nothing.
SPACE: Unit = (" ", False)
_BY_KIND: dict[int, Unit] = {_LETTER: ("", False), _ISOLATED: ("", True), _GAP: SPACE}


@dataclass(frozen=True, slots=True)
class CharacterProbe:
    """What becomes of each character.

    Attributes:
        sequences: The distinct results: tuples of units, the empty one for characters that vanish.
        of_code_point: Index into `sequences`, int32 `[1114112]`; -1 for surrogates.
    """

    sequences: tuple[tuple[Unit, ...], ...]
    of_code_point: NDArray[np.int32]


def probe_characters(tokenizer: Tokenizer, characters: Collection[str]) -> CharacterProbe:
    """Ask a tokenizer's normaliser and pre-tokeniser about every character.

    Args:
        tokenizer: A BERT tokenizer.
        characters: Those that the vocabulary holds, to be told apart; all others are as good as each other.
    """
    single, others = _normalise_all(tokenizer)
    results = set(single[single >= 0].tolist())
    kinds = _kinds(tokenizer, sorted(results.union(map(ord, "".join(others.values())))))
    numbers: dict[tuple[Unit, ...], int] = {(unit,): kind for kind, unit in _BY_KIND.items()}
    of_result = kinds.astype(np.int32)
    for point in sorted(results.intersection(map(ord, characters))):
        if kinds[point] != _GAP:
            unit = (chr(point), bool(kinds[point] == _ISOLATED))
            of_result[point] = numbers.setdefault((unit,), len(numbers))
    of_code_point = np.where(single >= 0, of_result[single], -1)
    of_other = {result: _units(result, kinds, characters) for result in dict.fromkeys(others.values())}
    for point, result in others.items():
        of_code_point[point] = numbers.setdefault(of_other[result], len(numbers))
    return CharacterProbe(tuple(numbers), of_code_point.astype(np.int32))


def _normalise_all(tokenizer: Tokenizer) -> tuple[NDArray[np.int32], dict[int, str]]:
    """Normalise each character: to one code point, int32 `[1114112]`, or (-1 there) to any other string."""
    single = np.full(_CODE_POINTS, -1, dtype=np.int32)
    others: dict[int, str] = {}
    for start in range(0, _CODE_POINTS, _CHUNK):
        if start in _SURROGATES:
            continue
        chunk = [chr(point) for point in range(start, start + _CHUNK)]
        joined = tokenizer.normalizer.normalize_str(_SEPARATOR.join(chunk))
        results = joined.split(_SEPARATOR)
        if len(results) == len(chunk) and len(joined) == 2 * len(chunk) - 1 and all(results):
            single[start : start + _CHUNK] = np.frombuffer(joined.encode("utf-32-le"), np.int32)[::2]
            continue
        if len(results) != len(chunk):  # the separator itself is among them
            results = [tokenizer.normalizer.normalize_str(character) for character in chunk]
        for point, result in enumerate(results, start):
            if len(result) == 1:
                single[point] = ord(result)
            else:
                others[point] = result
    return single, others


def _kinds(tokenizer: Tokenizer, points: Sequence[int]) -> NDArray[np.int8]:
    """Whether a code point is a letter, a word of its own or a gap, by what it does between two letters."""
    kinds = np.full(_CODE_POINTS, _LETTER, dtype=np.int8)
    for start in range(0, len(points), _CHUNK):
        chunk = points[start : start + _CHUNK]
        text = _SEPARATOR + _SEPARATOR.join(map(chr, chunk)) + _SEPARATOR
        found = np.full(len(text), _GAP, dtype=np.int8)
        for _, (begin, end) in tokenizer.pre_tokenizer.pre_tokenize_str(text):
            found[begin:end] = _ISOLATED if end - begin == 1 else _LETTER
        kinds[chunk] = found[1::2]
    return kinds


def _units(result: str, kinds: NDArray[np.int8], characters: Collection[str]) -> tuple[Unit, ...]:
    found = [int(kinds[ord(character)]) for character in result]
    if found == [_GAP, _LETTER, _GAP]:  # how the normaliser sets an ideograph apart
        return ((result[1] if result[1] in characters else "", True),)
    if found and set(found) == {_GAP}:
        return (SPACE,)
    return tuple(
        (character, kind == _ISOLATED) if kind != _GAP and character in characters else _BY_KIND[kind]
        for character, kind in zip(result, found, strict=True)
    )
