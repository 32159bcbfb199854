"""Texts come apart and together without a change, and stay readable when words go, move or change."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketformer.data.augmentation import Words
from pocketformer.data.augmentation.edits import with_deletions, with_swaps
from pocketformer.data.augmentation.words import like

ANY_TEXT = st.text(max_size=40) | st.lists(
    st.sampled_from(["card", "don't", "1,000.5", "(", ")", ", ", " ", "我", "爱", "カ", "हिन्दी", "😀", "\n"]),
    max_size=12,
).map("".join)


@given(ANY_TEXT)
def test_a_text_taken_apart_comes_together_again(text: str) -> None:
    apart = Words.of(text)
    assert apart.text == text
    assert len(apart.gaps) == len(apart.words) + 1
    assert all(apart.words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I don't, e-mail 1,000.50!", ["I", "don't", "e-mail", "1,000.50"]),
        ("我爱BERT模型，good", ["我", "爱", "BERT", "模", "型", "good"]),
        ("ガラス が", ["ガ", "ラ", "ス", "が"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("한국어 문장", ["한국어", "문장"]),
        ("cafe\u0301 naïve", ["cafe\u0301", "naïve"]),
        ("😀 ...", []),
    ],
)
def test_words_are_those_of_the_script(text: str, words: list[str]) -> None:
    assert list(Words.of(text).words) == words


@pytest.mark.parametrize(
    ("text", "gone", "left"),
    [
        ("I don't, really, know.", "don't", "I, really, know."),
        ("I don't, really, know.", "know", "I don't, really."),
        ("Is it lost?", "Is", "it lost?"),
        ("a (b) c", "a", "(b) c"),
        ("a (b) c", "b", "a c"),
        ("a (b) c", "c", "a (b)"),
        ("(b) c", "b", "c"),
        ('say "yes now" please', "please", 'say "yes now"'),
        ('say "yes now" please', "yes", 'say "now" please'),
        ("去看《电影》吧", "去", "看《电影》吧"),
        ("学生，老师", "生", "学，老师"),
        ("one  two\nthree", "two", "one  three"),
    ],
)
def test_spacing_and_brackets_stay_natural(text: str, gone: str, left: str) -> None:
    apart = Words.of(text)
    assert apart.without({apart.words.index(gone)}).text == left


@given(ANY_TEXT, st.floats(0.01, 0.99), st.integers(0, 99))
def test_deletion_takes_some_words_and_never_all(text: str, share: float, seed: int) -> None:
    apart = Words.of(text)
    left = with_deletions(apart, share, np.random.default_rng(seed)).words
    if len(apart.words) < 2:
        assert left == apart.words
    else:
        assert 1 <= len(left) < len(apart.words)
    remaining = iter(apart.words)
    assert all(word in remaining for word in left)  # in their order


@given(ANY_TEXT, st.integers(1, 4), st.integers(0, 99))
def test_swap_keeps_every_word_and_every_gap(text: str, swaps: int, seed: int) -> None:
    apart = Words.of(text)
    moved = with_swaps(apart, swaps, np.random.default_rng(seed))
    assert sorted(moved.words) == sorted(apart.words)
    assert moved.gaps == apart.gaps
    if swaps == 1 and len(set(apart.words)) == len(apart.words) > 1:
        assert sum(one != other for one, other in zip(moved.words, apart.words, strict=True)) == 2


def test_phrases_are_replaced_as_one() -> None:
    assert Words.of("my credit card, lost").replaced({(1, 2): "plastic", (3, 1): "gone"}).text == (
        "my plastic, gone"
    )


def test_letter_case_follows_the_original() -> None:
    assert [like(old, "buy") for old in ("Get", "GET", "get", "I")] == ["Buy", "BUY", "buy", "Buy"]
