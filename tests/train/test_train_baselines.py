"""What a model has to beat: found for any labels and scripts, always the same, and not beaten by chance."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocketformer.data import LabeledTexts
from pocketformer.errors import DataError
from pocketformer.train.baselines import Baselines, baselines

TOPICS = {
    "card": ["my card is lost", "where is the card", "block this card please", "new card wanted"],
    "money": ["send money abroad", "the money never came", "how much money is left", "money back"],
    "rate": ["what rate applies", "is the rate fixed", "a better rate please", "rate of exchange"],
}
CHINESE = {
    "sport": ["足球比赛今晚开始", "篮球比赛昨天结束", "这场比赛赢了"],
    "money": ["股票今天大涨", "银行股票下跌", "基金和股票怎么买"],
}


def single(topics: dict[str, list[str]], labels: tuple[str, ...] | None = None) -> LabeledTexts:
    labels = labels or tuple(topics)
    rows = [(text, labels.index(label)) for label, texts in topics.items() for text in texts]
    return LabeledTexts(
        tuple(text for text, _ in rows), np.array([label for _, label in rows], np.int64), labels, False
    )


def several(texts: tuple[str, ...], targets: list[list[int]], labels: tuple[str, ...]) -> LabeledTexts:
    return LabeledTexts(texts, np.array(targets, np.float32), labels, True)


def without_seconds(found: Baselines) -> Baselines:
    return replace(
        found, majority=replace(found.majority, seconds=0), linear=replace(found.linear, seconds=0)
    )


@pytest.mark.parametrize("topics", [TOPICS, CHINESE, dict(list(TOPICS.items())[:2])], ids=["3", "zh", "2"])
def test_words_that_tell_labels_apart_are_learned(topics: dict[str, list[str]]) -> None:
    test = single({label: [f"{texts[0]} ok", f"{texts[1]}?"] for label, texts in topics.items()})
    found = baselines(single(topics), test)
    assert found.linear.accuracy == found.linear.macro_f1 == 1.0
    assert found.majority.accuracy == pytest.approx(1 / len(topics))
    assert (found.train_texts, found.test_texts) == (len(single(topics)), 2 * len(topics))
    assert found.linear.size_bytes > 4 * found.features * len(topics)


def test_a_character_seen_in_other_words_carries_a_text_without_spaces() -> None:
    test = single({"sport": ["昨天比赛"], "money": ["今天股票"]})
    assert baselines(single(CHINESE), test).linear.accuracy == 1.0


def test_the_commonest_label_is_the_first_among_equals_and_counts_its_share() -> None:
    train = single({"a": ["one"], "b": ["two", "three"], "c": ["four", "five"]})
    found = baselines(train, single({"a": ["1"], "b": ["2", "3", "4"]}, ("a", "b", "c")))
    assert found.majority_labels == ("b",)
    assert found.majority.accuracy == 0.75
    assert found.majority.size_bytes == 0


def test_several_labels_may_hold_or_none() -> None:
    texts = ("wet", "cold", "wet cold", "dry", "wet and cold", "cold and wet", "it is dry", "it is wet")
    targets = [[1, 0], [0, 1], [1, 1], [0, 0], [1, 1], [1, 1], [0, 0], [1, 0]]
    found = baselines(
        several(texts, targets, ("wet", "cold")),
        several(
            ("so wet", "wet cold", "so dry", "cold cold wet"),
            [[1, 0], [1, 1], [0, 0], [1, 1]],
            ("wet", "cold"),
        ),
    )
    assert found.majority_labels == ("wet", "cold")
    assert found.majority.accuracy == 0.5  # both labels of a text right
    assert found.linear.accuracy == 1.0
    nothing = baselines(
        several(texts, [[0, 0]] * 7 + [[1, 0]], ("wet", "cold")), several(("x",), [[0, 0]], ("wet", "cold"))
    )
    assert nothing.majority_labels == ()
    assert nothing.majority.accuracy == nothing.linear.accuracy == 1.0


def test_labels_without_a_training_text_are_never_said() -> None:
    labels = ("card", "money", "rate", "unseen")
    found = baselines(single(TOPICS, labels), single({"card": ["card"], "unseen": ["card"]}, labels))
    assert found.linear.accuracy == 0.5
    alone = single({"card": TOPICS["card"]}, labels)
    assert baselines(alone, single({"card": ["anything"]}, labels)).linear.accuracy == 1.0


def test_the_same_texts_give_the_same_figures() -> None:
    draw = random.Random(1)
    topics = {
        label: [" ".join(draw.choices(["a", "bb", "c3", label], k=6)) for _ in range(40)] for label in "xyz"
    }
    train, test = (
        single(topics),
        single({label: texts[:7] for label, texts in TOPICS.items()} | {}, tuple(TOPICS)),
    )
    test = LabeledTexts(test.texts, test.targets, train.labels, False)
    assert without_seconds(baselines(train, test)) == without_seconds(baselines(train, test))


def test_texts_of_any_length_and_signs_can_be_read() -> None:
    long = "word " * 100_000
    train = single({"a": ["🙂", long, "..."], "b": ["🙁", "\u200b", ""]})
    assert baselines(train, single({"a": ["🙂"], "b": ["🙁"]})).linear.accuracy == 1.0


@settings(max_examples=25)
@given(texts=st.lists(st.text(max_size=12), min_size=2, max_size=8), data=st.data())
def test_any_texts_give_shares(texts: list[str], data: Any) -> None:
    texts[0] += "x"
    targets = data.draw(st.lists(st.integers(0, 2), min_size=len(texts), max_size=len(texts)))
    rows = LabeledTexts(tuple(texts), np.array(targets, np.int64), ("a", "b", "c"), False)
    found = baselines(rows, rows)
    for baseline in (found.majority, found.linear):
        assert 0 <= baseline.accuracy <= 1
        assert 0 <= baseline.macro_f1 <= 1
    assert found.majority.accuracy == max(rows.counts().values()) / len(rows)


@pytest.mark.parametrize("empty", ["train", "test"])
def test_nothing_to_read_is_said(empty: str) -> None:
    blank, full = single({"card": [" "], "money": ["\n"]}), single({"card": ["a"], "money": ["b"]})
    with pytest.raises(DataError, match="character"):
        baselines(blank, full) if empty == "train" else baselines(full, blank)


def test_other_labels_are_refused() -> None:
    with pytest.raises(DataError, match=r"card, money, rate.*sport, money"):
        baselines(single(TOPICS), single(CHINESE))
