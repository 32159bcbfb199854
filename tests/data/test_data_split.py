"""Splits: reproducible, stratified, and no text on two sides."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketformer.data import LabeledTexts, split, text_key, without_overlap
from pocketformer.errors import DataError, RecipeError


def _single(texts, targets, label_count=None):
    labels = tuple(f"l{number}" for number in range(label_count or max(targets) + 1))
    return LabeledTexts(tuple(texts), np.array(targets, dtype=np.int64), labels, multi_label=False)


def _keys(data):
    return {text_key(text) for text in data.texts}


@st.composite
def tables(draw):
    label_count = draw(st.integers(1, 5))
    multi_label = draw(st.booleans())
    rows = draw(st.integers(2, 40))
    seed = draw(st.integers(0, 2**32 - 1))
    generator = np.random.default_rng(seed)
    # Fewer texts than rows, in two spellings: repeats with and without the same labels.
    texts = tuple(
        f"{'Text' if generator.random() < 0.5 else 'text '} {generator.integers(rows)}" for _ in range(rows)
    )
    if multi_label:
        targets = (generator.random((rows, label_count)) < 0.4).astype(np.float32)
    else:
        targets = generator.integers(label_count, size=rows)
    return LabeledTexts(texts, targets, tuple("abcde"[:label_count]), multi_label)


@given(tables(), st.floats(0.01, 0.99), st.integers(0, 1000))
def test_a_split_loses_nothing_and_shares_no_text(data, fraction, seed):
    try:
        rest, held_out = split(data, fraction, seed)
    except DataError:
        per_label = [{text_key(data.texts[row]) for row in np.flatnonzero(has)} for has in data.multi_hot().T]
        assert all(len(keys) < 2 for keys in per_label)
        return
    assert sorted(rest.texts + held_out.texts) == sorted(data.texts)
    assert not _keys(rest) & _keys(held_out)
    assert len(held_out) > 0
    assert len(rest) > 0
    again = split(data, fraction, seed)
    assert [side.texts for side in again] == [rest.texts, held_out.texts]
    assert np.array_equal(again[1].targets, held_out.targets)


@given(st.lists(st.integers(0, 6), min_size=2, max_size=60), st.floats(0.01, 0.99), st.integers(0, 100))
def test_every_class_of_two_texts_stands_on_both_sides_in_its_fraction(targets, fraction, seed):
    data = _single([f"text {number}" for number in range(len(targets))], targets, label_count=7)
    if max(data.counts().values()) < 2:
        return
    rest, held_out = split(data, fraction, seed)
    for label, count in data.counts().items():
        expected = min(max(round(count * fraction), 1), count - 1) if count > 1 else 0
        assert held_out.counts()[label] == expected
        assert rest.counts()[label] == count - expected


@pytest.mark.parametrize("seed", range(5))
def test_two_texts_that_share_one_of_several_labels_are_parted(seed: int) -> None:
    targets = np.array([[1, 0, 1], [0, 1, 1]], np.float32)
    rest, held_out = split(LabeledTexts(("one", "two"), targets, tuple("abc"), True), 0.5, seed)
    assert (len(rest), len(held_out)) == (1, 1)


def test_multi_label_fractions_are_kept_per_label():
    generator = np.random.default_rng(1)
    rates = np.array([0.5, 0.2, 0.05, 0.01])
    targets = (generator.random((2000, 4)) < rates).astype(np.float32)
    data = LabeledTexts(
        tuple(f"t{number}" for number in range(2000)), targets, tuple("abcd"), multi_label=True
    )
    rest, held_out = split(data, 0.1, seed=0)
    assert len(held_out) == pytest.approx(200, abs=5)
    for label, count in data.counts().items():
        assert held_out.counts()[label] == pytest.approx(0.1 * count, abs=2)
        assert rest.counts()[label] > 0


def test_the_split_is_the_same_on_every_machine():
    data = _single([f"text {number}" for number in range(20)], [number % 2 for number in range(20)])
    _, held_out = split(data, 0.3, seed=7)
    assert [int(text.split()[1]) for text in held_out.texts] == [2, 4, 5, 6, 11, 17]
    assert split(data, 0.3, seed=8)[1].texts != held_out.texts


def test_repeats_go_to_one_side_even_with_other_spelling():
    data = _single(["Go", "go ", "STOP", "stop", "wait", "run"], [0, 0, 1, 1, 1, 0])
    for seed in range(20):
        rest, held_out = split(data, 0.5, seed)
        assert not _keys(rest) & _keys(held_out)
        assert min(*rest.counts().values(), *held_out.counts().values()) >= 1


def test_what_cannot_be_split_is_refused():
    data = _single(["a", "A", "b"], [0, 0, 1])
    with pytest.raises(
        DataError, match="Nothing can be held out of 3 rows: no label has two different texts"
    ):
        split(data, 0.5, 0)
    with pytest.raises(DataError, match="0 rows"):
        split(_single([], [], label_count=2), 0.5, 0)
    for fraction in (0, 1, -1, 1.5, float("nan")):
        with pytest.raises(RecipeError, match="expected more than 0 and less than 1"):
            split(data, fraction, 0)


def test_texts_that_are_tested_on_leave_the_training_side():
    train = _single(["Café  crème", "tea", "milk", "MILK"], [0, 1, 1, 0])
    held_out = _single(["cafe\u0301 cre\u0300me", "Milk"], [1, 1])
    kept, removed = without_overlap(train, held_out)
    assert kept.texts == ("tea",)
    assert removed == 3
    assert kept.labels == train.labels
    assert without_overlap(kept, held_out)[1] == 0


def test_a_subset_takes_positions_or_a_mask():
    data = _single(["a", "b", "c"], [0, 1, 0])
    assert data.subset([2, 0]).texts == ("c", "a")
    assert data.subset(np.array([False, True, False])).targets.tolist() == [1]
    assert len(data.subset([])) == 0
    assert data.subset([]).counts() == {"l0": 0, "l1": 0}


@pytest.mark.parametrize(
    ("one", "other"),
    [("Straße", "STRASSE"), ("a\u00a0b", "a  b"), ("\u3000a\tb\n", "A b"), ("é", "e\u0301"), ("ﬀ", "FF")],
)
def test_texts_that_read_the_same_have_one_key(one, other):
    assert text_key(one) == text_key(other)


@given(st.text())
def test_the_key_of_a_key_is_itself(text):
    assert text_key(text_key(text)) == text_key(text)
