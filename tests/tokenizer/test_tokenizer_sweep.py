"""Every Unicode character, and 100,000 made-up texts: minutes of work, so marked slow."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from tokenizers import Tokenizer

from pocketformer.tokenizer import TokenizerTables

Built = tuple[Tokenizer, TokenizerTables]
Compare = Callable[..., None]

POINTS = [chr(point) for point in range(1, 0x110000) if not 0xD800 <= point < 0xE000]
BLOCKS = [
    (0x20, 0x7F), (0x61, 0x7B), (0xA0, 0x250), (0x300, 0x370), (0x370, 0x530), (0x590, 0x700),
    (0x900, 0xD80), (0x1100, 0x1200), (0xAC00, 0xD7A4), (0x2000, 0x2100), (0x3000, 0x3100), (0x4E00, 0x9FFF),
    (0xF900, 0xFB00), (0x1D100, 0x1D200), (0x1F300, 0x1FAFF), (0x20000, 0x2A6DF), (0xE0000, 0xE0200),
    (1, 0x21), (0x7F, 0xA1),
]  # fmt: skip


@pytest.mark.slow
def test_every_character_alone_and_inside_a_word(small: Built, assert_same_ids: Compare) -> None:
    assert_same_ids(*small, POINTS, 16, 16)
    assert_same_ids(*small, [f"a{character}b" for character in POINTS], 16, 16)


@pytest.mark.slow
def test_every_character_with_a_real_vocabulary(minilm: Built, assert_same_ids: Compare) -> None:
    assert_same_ids(*minilm, POINTS, 16, 16)
    assert_same_ids(*minilm, [f"a{character}b" for character in POINTS], 16, 16)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_made_up_texts_with_a_real_vocabulary(minilm: Built, assert_same_ids: Compare, seed: int) -> None:
    assert_same_ids(*minilm, _made_up(seed, minilm[0]), 128, 64)


@pytest.mark.slow
def test_made_up_texts(small: Built, assert_same_ids: Compare) -> None:
    assert_same_ids(*small, _made_up(7, small[0]), 128, 64)


def _made_up(seed: int, tokenizer: Tokenizer) -> list[bytes]:
    rng = random.Random(seed)
    words = [piece.removeprefix("##") for piece in sorted(tokenizer.get_vocab())]
    return [b"".join(_part(rng, words) for _ in range(rng.randint(0, 16))) for _ in range(20_000)]


def _part(rng: random.Random, words: list[str]) -> bytes:
    kind = rng.randrange(9)
    if kind < 3:
        word = rng.choice(words)
        text = rng.choice([word, word, word.upper(), word.capitalize()]) + rng.choice(["", " ", ", "])
    elif kind == 3:
        text = "".join(chr(rng.randrange(*rng.choice(BLOCKS))) for _ in range(rng.randint(1, 5)))
    elif kind == 4:
        text = rng.choice(words) + rng.choice(POINTS) + rng.choice(words)
    elif kind == 5:
        text = rng.choice("aWé中1") * rng.choice([1, 5, 50, 99, 100, 101])
    elif kind == 6:
        return bytes(rng.randrange(1, 256) for _ in range(rng.randint(1, 5)))
    elif kind == 7:
        damaged = bytearray((rng.choice(POINTS) + rng.choice(POINTS)).encode())
        damaged[rng.randrange(len(damaged))] = rng.randrange(1, 256)
        return bytes(damaged)
    else:
        text = "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(1, 25)))
    return text.encode()
