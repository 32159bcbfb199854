from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketformer.tokenizer.text_bytes import cut_bytes, cut_text, encode_text

TEXTS = st.one_of(st.text(st.characters(codec="utf-8")), st.text("aé中😀\u0301", max_size=12))


def test_a_text_is_padded_with_zeros() -> None:
    assert encode_text("né", 6).tolist() == [[110, 195, 169, 0, 0, 0]]
    assert encode_text("né", 6).dtype == np.int32


def test_a_long_text_is_cut_before_the_character_that_crosses_the_limit() -> None:
    assert [cut_bytes("a😀b", size).decode() for size in range(1, 7)] == ["a", "a", "a", "a", "a😀", "a😀b"]


@given(TEXTS, st.integers(1, 20))
def test_a_cut_never_splits_a_character_nor_wastes_room(text: str, max_bytes: int) -> None:
    kept = cut_bytes(text, max_bytes).decode("utf-8")
    assert text.startswith(kept)
    assert kept == text or len(text[: len(kept) + 1].encode()) > max_bytes


@given(st.binary(max_size=24), st.integers(1, 20))
def test_bytes_pass_through_and_a_cut_takes_at_most_three_of_them(data: bytes, max_bytes: int) -> None:
    kept = cut_bytes(data, max_bytes)
    assert data.startswith(kept)
    assert len(kept) <= max_bytes
    assert len(kept) >= min(len(data), max_bytes - 3)


@pytest.mark.parametrize("data", [b"aaa\x80\x80", b"aaa\xff\x80", b"aaa\xe4\xb8a", b"aa\xed\xa0\x80"])
def test_what_is_no_character_is_cut_anywhere(data: bytes) -> None:
    assert cut_bytes(data, 4) == data[:4]


def test_each_surrogate_becomes_one_replacement_character() -> None:
    assert cut_bytes("a\ud83d\ude00b", 20).decode() == "a\ufffd\ufffdb"


def test_the_text_that_a_file_reads() -> None:
    assert cut_text(b"caf\xc3\xa9\xff!", 6) == "café\ufffd"


def test_no_room_is_refused() -> None:
    with pytest.raises(ValueError, match="max_bytes is 0"):
        encode_text("a", 0)


def test_encoding_loads_neither_torch_nor_tokenizers() -> None:
    code = (
        "import sys, pocketformer.tokenizer as t; t.encode_text('a', 4);"
        "assert not {'torch', 'tokenizers', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
