"""The integer tables of a tokenizer: built from the tokenizers library, kept in a cache on disk."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import nn

from pocketformer.errors import PocketformerError, TokenizerError
from pocketformer.files import write_bytes
from pocketformer.tokenizer.alphabet import EMPTY, FIRST_SPECIAL, LOWEST_SYMBOL, Alphabet, build_alphabet
from pocketformer.tokenizer.options import TokenizerOptions, read_options
from pocketformer.tokenizer.pages import EMPTY_CLASS, INVALID_CLASS, build_pages
from pocketformer.tokenizer.probing import CharacterProbe, probe_characters
from pocketformer.tokenizer.stages.literals import Literals
from pocketformer.tokenizer.trie import build_trie

__all__ = ["TableFacts", "TokenizerTables", "build_tables"]

_FORMAT = 2
_INVALID_BYTE = -2
_REPLACEMENT = "\ufffd"
_FACTS = "facts"
_TRIE_ARRAYS = ("base", "check", "best_id", "best_length")
_BROKEN = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True, slots=True)
class TableFacts:
    """What the tables' shapes do not say.

    Attributes:
        last_isolated: The highest symbol that is a word of its own.
        letter_count: How much higher a letter's code inside a word is than its symbol.
        symbols_per_character: The most symbols that one character turns into.
        first_single: The class of `LOWEST_SYMBOL`; the symbols after it are the classes after this one.
        block: Size of the largest block of the trie, in codes.
        repeats: How many of the largest blocks can follow the first.
        closed: A word is `[UNK]` only if it is too long or holds a character of no piece.
    """

    last_isolated: int
    letter_count: int
    symbols_per_character: int
    first_single: int
    block: int
    repeats: int
    closed: bool


class TokenizerTables(nn.Module):
    """The tables of one tokenizer, to be shared by every `InGraphTokenizer` of a program.

    Beside these it holds `options`, `facts` and the `literals` that map to ids of their own.

    Buffers, each in the smallest integer type that holds it: `pages` (bytes to character classes),
    `symbols_0`, `symbols_1`, … `[first_single + 1]` (what a class below `first_single` turns into, and
    nothing), `digits` `[256]` (for literals),
    `base`, `check`, `best_id`, `best_length` (the vocabulary, see `trie.Trie`).
    """

    def __init__(
        self, options: TokenizerOptions, facts: TableFacts, arrays: Mapping[str, NDArray[np.int32]]
    ) -> None:
        super().__init__()
        self.options = options
        self.facts = facts
        self.literals = Literals.of([content for content, _ in options.special_tokens], FIRST_SPECIAL)
        arrays = {**arrays, "digits": self.literals.digits}
        for name, array in arrays.items():
            self.register_buffer(name, torch.from_numpy(_narrowest(array)))


def build_tables(tokenizer: Tokenizer, cache: str | Path | None = None) -> TokenizerTables:
    """Build a tokenizer's tables, or take them from the cache.

    Args:
        tokenizer: A BERT tokenizer, as `read_tokenizer` returns it.
        cache: Directory of the cache; by default `$XDG_CACHE_HOME/pocketformer/tokenizers`, or the same
            under `~/.cache`. A broken or unwritable cache costs the seconds of building, nothing else.

    Raises:
        TokenizerError: The tokenizer is of a kind that cannot run inside a model file.
    """
    options = read_options(tokenizer)
    path = (_default_cache() if cache is None else Path(cache)) / f"{_key(tokenizer)}.npz"
    with suppress(*_BROKEN):
        return TokenizerTables(options, *_load(path))
    facts, arrays = _build(tokenizer, options)
    with suppress(PocketformerError):
        _save(path, facts, arrays)
    return TokenizerTables(options, facts, arrays)


def _build(
    tokenizer: Tokenizer, options: TokenizerOptions
) -> tuple[TableFacts, dict[str, NDArray[np.int32]]]:
    vocabulary = json.loads(tokenizer.to_str())["model"]["vocab"]
    probe = probe_characters(tokenizer, frozenset(chain.from_iterable(vocabulary)))
    alphabet = build_alphabet(options, vocabulary, frozenset(chain.from_iterable(probe.sequences)))
    pages, symbols = _character_tables(probe, alphabet, options)
    trie = build_trie(alphabet.pieces, alphabet.code_count, options.unk_id)
    arrays = {"pages": pages}
    arrays |= {f"symbols_{place}": column for place, column in enumerate(symbols)}
    arrays |= {name: getattr(trie, name) for name in _TRIE_ARRAYS}
    facts = TableFacts(
        alphabet.last_isolated,
        alphabet.letter_count,
        len(symbols),
        len(symbols[0]) - 1,
        trie.block,
        trie.repeats,
        alphabet.closed,
    )
    return facts, arrays


def _character_tables(
    probe: CharacterProbe, alphabet: Alphabet, options: TokenizerOptions
) -> tuple[NDArray[np.int32], list[NDArray[np.int32]]]:
    """The pages, and for each place the symbol that a character of a class has there, all `EMPTY` at last.

    Only for the classes that are not one symbol: of those, the class tells the symbol.
    """
    sequences = [alphabet.of_units(units) for units in probe.sequences]
    _check_lengths(sequences, probe.of_code_point)
    rows: dict[tuple[int, ...], int] = {(): INVALID_CLASS}  # cleaned away, like U+FFFD
    if not options.clean_text:
        _check_replacement(alphabet)
        # No character has this row: those that look the same take another number of bytes.
        rows = {(alphabet.unknown_letter, _INVALID_BYTE): INVALID_CLASS, (): EMPTY_CLASS}
    for row in sequences:
        if len(row) != 1:
            rows.setdefault(row, len(rows))
    first_single = len(rows)
    class_of = [rows[row] if row in rows else first_single + row[0] - LOWEST_SYMBOL for row in sequences]
    places = max(1, *map(len, rows))
    padded = np.array([(*row, *[EMPTY] * (places - len(row))) for row in [*rows, ()]], np.int32)
    padded[padded == _INVALID_BYTE] = EMPTY
    # Surrogates, numbered -1, take the last entry.
    return build_pages(np.array([*class_of, INVALID_CLASS], np.int32)[probe.of_code_point]), list(padded.T)


def _check_replacement(alphabet: Alphabet) -> None:
    """An invalid byte is U+FFFD: without cleaning, that must be a letter of no piece."""
    if alphabet.of_units([(_REPLACEMENT, False)]) != (alphabet.unknown_letter,):
        raise TokenizerError(
            "The vocabulary holds U+FFFD and clean_text is off; inside a model file the U+FFFD of invalid "
            "bytes cannot be counted as Python does. Remove that piece, or set clean_text to true."
        )


def _check_lengths(sequences: list[tuple[int, ...]], of_code_point: NDArray[np.int32]) -> None:
    """Every character's symbols must fit in the slots of its own UTF-8 bytes."""
    counts = np.array([*map(len, sequences), 0])[of_code_point]
    points = np.arange(len(of_code_point))
    byte_counts = 1 + (points > 0x7F) + (points > 0x7FF) + (points > 0xFFFF)
    too_long = np.flatnonzero(counts > byte_counts)
    if len(too_long):
        raise TokenizerError(
            f"The character U+{too_long[0]:04X} is normalised to {counts[too_long[0]]} characters, more than "
            f"its {byte_counts[too_long[0]]} bytes: no BERT normaliser does that. "
            "Install a released version of the tokenizers package."
        )


def _narrowest(array: NDArray[np.int32]) -> NDArray[np.integer]:
    for kind in (np.int8, np.int16):
        limits = np.iinfo(kind)
        if limits.min <= array.min() and array.max() <= limits.max:
            return array.astype(kind)
    return array.astype(np.int32)


def _default_cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "pocketformer" / "tokenizers"


def _key(tokenizer: Tokenizer) -> str:
    """What the tables depend on: the tokenizer, the library that was asked, and the layout of the tables."""
    content = f"{_FORMAT}\n{tokenizers.__version__}\n{tokenizer.to_str()}"
    return hashlib.sha256(content.encode("utf-8")).hexdigest()


def _save(path: Path, facts: TableFacts, arrays: Mapping[str, NDArray[np.int32]]) -> None:
    stream = BytesIO()
    text = np.frombuffer(json.dumps(asdict(facts)).encode("utf-8"), np.uint8)
    stored: dict[str, NDArray[Any]] = {_FACTS: text, **arrays}
    np.savez_compressed(stream, allow_pickle=False, **stored)
    write_bytes(path, stream.getvalue())


def _load(path: Path) -> tuple[TableFacts, dict[str, NDArray[np.int32]]]:
    with np.load(BytesIO(path.read_bytes()), allow_pickle=False) as stored:
        facts = TableFacts(**json.loads(stored[_FACTS].tobytes()))
        symbols = [f"symbols_{place}" for place in range(facts.symbols_per_character)]
        return facts, {name: stored[name] for name in ("pages", *symbols, *_TRIE_ARRAYS)}
