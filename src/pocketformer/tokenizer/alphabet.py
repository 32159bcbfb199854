"""The symbols a tokenizer needs: one small number for each character that its vocabulary can tell apart.

A character of no piece makes its word `[UNK]` whatever it is, so all such characters share one symbol.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pocketformer.errors import TokenizerError
from pocketformer.tokenizer.options import TokenizerOptions
from pocketformer.tokenizer.probing import SPACE, Unit

__all__ = ["EMPTY", "FIRST_SPECIAL", "LOWEST_SYMBOL", "Alphabet", "build_alphabet"]

EMPTY = 0
_SPACE_SYMBOL = LOWEST_SYMBOL = -1
_UNKNOWN_ISOLATED = 1
FIRST_SPECIAL = 2


@dataclass(frozen=True, slots=True)
class Alphabet:
    """Numbers for characters, and the vocabulary written in them.

    Symbols are `EMPTY`, then those that are words of their own (the special tokens, from `FIRST_SPECIAL` on
    in the order of the options, then punctuation and ideographs), then letters. A letter has a second number,
    its code inside a word, higher by `letter_count`: so a piece that starts a word and one that continues
    it share no code, and no match can run over the end of a word.

    Attributes:
        symbols: Symbol of every character that some piece holds.
        last_isolated: The highest symbol that is a word of its own.
        letter_count: How many letters there are, the unknown one included.
        pieces: Every piece that can match, as a tuple of codes, with its id.
        closed: A word is `[UNK]` only if it is too long or holds a character of no piece: each letter is a
            piece by itself, at the start of a word and inside.
    """

    symbols: Mapping[Unit, int]
    last_isolated: int
    letter_count: int
    pieces: Mapping[tuple[int, ...], int]
    closed: bool

    @property
    def unknown_letter(self) -> int:
        """The symbol of a letter that no piece holds."""
        return self.last_isolated + 1

    @property
    def code_count(self) -> int:
        """One more than the highest code."""
        return self.last_isolated + 1 + 2 * self.letter_count

    def of_units(self, units: Iterable[Unit]) -> tuple[int, ...]:
        """The symbols that stand for a character's units."""
        found = tuple(self._symbol(unit) for unit in units)
        if self.unknown_letter in found and min(found) > self.last_isolated:
            return (self.unknown_letter,)  # its word is [UNK]: the other letters make no difference
        return found

    def _symbol(self, unit: Unit) -> int:
        if unit == SPACE:
            return _SPACE_SYMBOL
        return self.symbols.get(unit, _UNKNOWN_ISOLATED if unit[1] else self.unknown_letter)


def build_alphabet(
    options: TokenizerOptions, vocabulary: Mapping[str, int], reachable: frozenset[Unit]
) -> Alphabet:
    """Number the characters of the pieces that can match.

    Args:
        options: The tokenizer's settings.
        vocabulary: Pieces with their ids.
        reachable: Every unit that some character normalises to.

    Raises:
        TokenizerError: The vocabulary holds accents whose order in a text would matter.
    """
    pieces = _matching_pieces(vocabulary, options.continuation_prefix, reachable)
    frequency = Counter(unit for _, units, _ in pieces for unit in units)
    _check_accents(frequency, options)
    isolated = [unit for unit, _ in frequency.most_common() if unit[1]]
    letters = [unit for unit, _ in frequency.most_common() if not unit[1]]
    first_isolated = FIRST_SPECIAL + len(options.special_tokens)
    unknown_letter = first_isolated + len(isolated)
    symbols = {unit: first_isolated + number for number, unit in enumerate(isolated)}
    symbols |= {unit: unknown_letter + 1 + number for number, unit in enumerate(letters)}
    letter_count = 1 + len(letters)
    coded = {
        _codes([symbols[unit] for unit in units], starts_word, unknown_letter, letter_count): number
        for starts_word, units, number in pieces
    }
    singles = [(symbol,) for symbol in range(unknown_letter + 1, unknown_letter + 2 * letter_count)]
    singles.remove((unknown_letter + letter_count,))
    closed = all(single in coded for single in singles)
    coded |= {(symbol,): number for symbol, (_, number) in enumerate(options.special_tokens, FIRST_SPECIAL)}
    return Alphabet(symbols, unknown_letter - 1, letter_count, coded, closed)


def _matching_pieces(
    vocabulary: Mapping[str, int], prefix: str, reachable: frozenset[Unit]
) -> list[tuple[bool, tuple[Unit, ...], int]]:
    """Pieces that some text can reach: whether they start a word, their units, their id."""
    found = []
    for piece, number in vocabulary.items():
        bodies = [(True, piece)]
        if piece.startswith(prefix):
            bodies.append((False, piece[len(prefix) :]))
        for starts_word, body in bodies:
            letters = tuple((character, False) for character in body)
            if letters and all(unit in reachable for unit in letters):
                found.append((starts_word, letters, number))
            if starts_word and len(body) == 1 and (body, True) in reachable:
                found.append((True, ((body, True),), number))
    return found


def _codes(symbols: list[int], starts_word: bool, unknown_letter: int, letter_count: int) -> tuple[int, ...]:
    if symbols[0] < unknown_letter:
        return tuple(symbols)
    first = symbols[0] if starts_word else symbols[0] + letter_count
    return (first, *(symbol + letter_count for symbol in symbols[1:]))


def _check_accents(units: Iterable[Unit], options: TokenizerOptions) -> None:
    """Refuse a vocabulary with accents of several combining classes that survive accent stripping.

    Stripping accents decomposes and reorders them (Unicode 3.11, canonical ordering), which looks at more
    than one character at a time; the tables here look at one.
    """
    if not options.strips_accents:
        return
    accents = {character: unicodedata.combining(character) for character, _ in units}
    marks = {character: rank for character, rank in accents.items() if rank}
    if len(set(marks.values())) > 1:
        names = ", ".join(
            f"U+{ord(character):04X} (class {rank})" for character, rank in sorted(marks.items())
        )
        raise TokenizerError(
            f"The vocabulary holds combining marks of several classes: {names}. Unicode may reorder them in "
            "a text, which cannot be done inside a model file. Remove the pieces with these marks."
        )
