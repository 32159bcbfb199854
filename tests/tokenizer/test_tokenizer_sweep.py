"""Saved tokenizer files on every Unicode character, and on 100,000 made-up texts: marked slow."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from pocketformer.program import Program, Shapes
from pocketformer.targets import Session, target_named, targets
from pocketformer.tokenizer import encode_text, reference_ids

SHAPES = Shapes(lengths=(512,), max_bytes=1024)
Built = tuple[Tokenizer, object]

POINTS = [chr(point) for point in range(1, 0x110000) if not 0xD800 <= point < 0xE000]
BLOCKS = [
    (0x20, 0x7F), (0x61, 0x7B), (0xA0, 0x250), (0x300, 0x370), (0x370, 0x530), (0x590, 0x700),
    (0x900, 0xD80), (0x1100, 0x1200), (0xAC00, 0xD7A4), (0x2000, 0x2100), (0x3000, 0x3100), (0x4E00, 0x9FFF),
    (0xF900, 0xFB00), (0x1D100, 0x1D200), (0x1F300, 0x1FAFF), (0x20000, 0x2A6DF), (0xE0000, 0xE0200),
    (1, 0x21), (0x7F, 0xA1),
]  # fmt: skip


# Alone and inside a word; so many to a text that even Hangul, three letters each, stays below the length.
EVERYWHERE = [
    " ".join(f"{one} a{one}b" for one in POINTS[start : start + 48]) for start in range(0, len(POINTS), 48)
]


@pytest.fixture(scope="module")
def saved_file(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Tokenizer, str], Session]:
    """Export a tokenizer alone as a file of a format, and open it."""

    def export(tokenizer: Tokenizer, name: str) -> Session:
        target = target_named(name)
        folder = tmp_path_factory.mktemp("tokenizer")
        (folder / "tokenizer.json").write_text(tokenizer.to_str(), encoding="utf-8")
        path = Path(folder / f"tokenizer{target.suffixes[0]}")
        target.export(Program.of_tokenizer(str(folder), SHAPES).only("tokenize"), "fp32", path)
        return target.open(path)

    return export


@pytest.mark.slow
def test_every_character(small: Built, saved_file: Callable[[Tokenizer, str], Session]) -> None:
    """Each option set once, in one format: what differs between formats is the same for all of them."""
    tokenizer, session = small[0], saved_file(small[0], "litert")
    assert_equal(tokenizer, session, EVERYWHERE)
    assert_equal(tokenizer, session, _made_up(7, tokenizer, 5_000))


@pytest.mark.slow
@pytest.mark.parametrize("target", sorted(targets()))
def test_every_character_and_made_up_texts_with_a_real_vocabulary(
    target: str, minilm: Built, saved_file: Callable[[Tokenizer, str], Session]
) -> None:
    tokenizer, session = minilm[0], saved_file(minilm[0], target)
    assert_equal(tokenizer, session, EVERYWHERE)
    assert_equal(tokenizer, session, _made_up(1, tokenizer, 100_000 if target == "litert" else 10_000))


def assert_equal(tokenizer: Tokenizer, session: Session, texts: Sequence[str | bytes]) -> None:
    """Run every text through the file; ids, mask and length must be Hugging Face's."""
    wrong = []
    for start in range(0, len(texts), 4096):
        some = texts[start : start + 4096]
        ids, masks = reference_ids(tokenizer, some, SHAPES.text_bytes, SHAPES.max_length)
        for text, row, mask in zip(some, ids, masks, strict=True):
            found = session.run("tokenize", {"text": encode_text(text, SHAPES.text_bytes)})
            same = np.array_equal(found["input_ids"][0], row) and np.array_equal(
                found["attention_mask"][0], mask
            )
            if not (same and found["length"][0] == mask.sum()):
                wrong.append(text)
    assert not wrong, f"{len(wrong)} of {len(texts)} texts differ, the first is {wrong[0]!r}"


def _made_up(seed: int, tokenizer: Tokenizer, count: int) -> list[bytes]:
    rng = random.Random(seed)
    words = [piece.removeprefix("##") for piece in sorted(tokenizer.get_vocab())]
    return [b"".join(_part(rng, words) for _ in range(rng.randint(0, 16))) for _ in range(count)]


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
