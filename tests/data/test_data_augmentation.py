"""Copies are changed, seeded, labelled like their text, and never equal to what is held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from pocketformer.data import LabeledTexts, text_key
from pocketformer.data.augmentation import AugmentReport, AugmentSettings, Words, augment, augmented_texts
from pocketformer.errors import DataError, RecipeError

TEXTS = (
    "I lost my card, please help", "Where is the money?", "我要买一张新的银行卡", "a b", "one", "😀",
    "when will my new card arrive at home", "Wo ist meine Karte geblieben?",
)  # fmt: skip
SENTENCES = st.lists(
    st.lists(st.sampled_from(["card", "Money", "我", "爱", "(b)", "is,"]), max_size=5).map(" ".join),
    min_size=1,
    max_size=6,
)


def labelled(texts: Sequence[str] = TEXTS) -> LabeledTexts:
    return LabeledTexts(tuple(texts), np.arange(len(texts)) % 3, ("a", "b", "c"), False)


@settings(max_examples=60)
@given(texts=SENTENCES, held_out=SENTENCES, seed=st.integers(0, 9), copies=st.integers(1, 3))
def test_no_copy_is_empty_repeats_a_text_or_leaks(
    texts: list[str], held_out: list[str], seed: int, copies: int
) -> None:
    train = labelled(texts)
    chosen = AugmentSettings(seed=seed, copies=copies, deletion_share=0.5)
    result, report = augment(train, chosen, held_out)
    assert result.texts[: len(train)] == train.texts
    keys = [text_key(text) for text in result.texts[len(train) :]]
    assert all(keys)
    assert len(set(keys)) == len(keys)
    assert not set(keys) & {text_key(text) for text in (*texts, *held_out)}
    assert len(keys) == sum(report.copies.values())
    assert len(keys) + report.repeats + report.held_out == copies * len(train)


def test_a_copy_that_is_a_held_out_text_in_other_letters_is_dropped_and_counted() -> None:
    chosen = AugmentSettings(methods=("swap",))
    result, report = augment(labelled(["left right"]), chosen, held_out=["RIGHT  left"])
    assert result.texts == ("left right",)
    assert (report.copies, report.repeats, report.held_out) == ({"swap": 0}, 0, 1)
    assert any("1 equal to a held-out text" in sentence for sentence in report.sentences())


def test_the_same_seed_gives_the_same_copies_and_another_gives_others() -> None:
    first, again, other = (augment(labelled(), AugmentSettings(copies=3, seed=seed))[0] for seed in (1, 1, 2))
    assert first.texts == again.texts
    assert (first.targets == again.targets).all()
    assert first.texts != other.texts


def test_the_order_of_labels_and_rows_does_not_choose_the_method() -> None:
    train = labelled([f"text number {number} of many" for number in range(200)])
    _, report = augment(train, AugmentSettings())
    assert min(report.copies.values()) > 60


@pytest.mark.parametrize("multi_label", [False, True])
def test_copies_carry_the_targets_of_their_text(multi_label: bool) -> None:
    texts = tuple(f"word{row} other{row} third{row}" for row in range(30))
    hot = (np.arange(90).reshape(30, 3) % 7 < 3).astype(np.float32)
    targets = hot if multi_label else np.arange(30) % 3
    result, _ = augment(LabeledTexts(texts, targets, ("a", "b", "c"), multi_label), AugmentSettings(copies=2))
    assert len(result) > 60
    assert result.targets.dtype == targets.dtype
    for text, target in zip(result.texts, result.targets, strict=True):
        row = next(row for row in range(30) if set(text.split()) <= set(texts[row].split()))
        assert np.array_equal(target, targets[row])


def test_the_training_texts_are_left_as_they_are() -> None:
    train = labelled()
    before = train.targets.copy()
    augment(train, AugmentSettings())
    assert train.texts == TEXTS
    assert (train.targets == before).all()


def test_texts_for_a_teacher_are_the_copies_alone() -> None:
    chosen = AugmentSettings(copies=2, seed=4)
    assert augmented_texts(TEXTS, chosen) == augment(labelled(), chosen)[0].texts[len(TEXTS) :]


def test_no_texts_give_no_copies() -> None:
    result, report = augment(labelled([]), AugmentSettings())
    assert len(result) == 0
    assert report.examples == ()


def test_a_report_tells_what_was_done_and_survives_json() -> None:
    _, report = augment(labelled(), AugmentSettings(copies=2))
    said = report.sentences()
    assert said[0].startswith(
        f"Augmentation added {sum(report.copies.values())} changed copies of 8 training"
    )
    assert {example.method for example in report.examples} == {"deletion", "swap"}
    assert len(report.examples) == 3
    assert report.examples[0].copy in said[2]
    assert TypeAdapter(AugmentReport).validate_python(asdict(report)) == report


def synonyms(tmp_path: Path, content: str) -> AugmentSettings:
    path = tmp_path / "synonyms.txt"
    path.write_text(content, "utf-8")
    return AugmentSettings(methods=("synonyms",), synonyms=path, synonym_share=1.0)


@pytest.mark.parametrize(
    ("lines", "text", "copies"),
    [
        ("buy, purchase\n", "Buy it now!", {"Purchase it now!"}),
        ("# ours\n\nbuy\tpurchase\tget\n", "BUY it", {"PURCHASE it", "GET it"}),
        ("银行，金融机构\n", "我去银行。", {"我去金融机构。"}),
        ("credit card, plastic\n", "My credit  card, lost", {"My plastic, lost"}),
        ("credit card, plastic\n", "my plastic is lost", {"my credit card is lost"}),
        ("big, large\nlarge, huge", "a large one", {"a big one", "a huge one"}),
    ],
)
def test_a_users_synonyms_take_the_words_place(
    tmp_path: Path, lines: str, text: str, copies: set[str]
) -> None:
    chosen = synonyms(tmp_path, lines)
    found = {
        copy
        for seed in range(12)
        for copy in augmented_texts([text], chosen.model_copy(update={"seed": seed}))
    }
    assert found == copies


def test_a_phrase_is_not_found_across_a_comma(tmp_path: Path) -> None:
    assert augmented_texts(["on credit, card lost"], synonyms(tmp_path, "credit card, plastic")) == ()


def test_a_share_of_the_known_words_is_replaced(tmp_path: Path) -> None:
    chosen = synonyms(tmp_path, "red, crimson").model_copy(update={"synonym_share": 0.25})
    (copy,) = augmented_texts([" ".join(["red"] * 400)], chosen)
    assert 60 < copy.split().count("crimson") < 140


@pytest.mark.parametrize(
    ("content", "message"),
    [("alone\n", "line 1.*two words"), ("a, b\n!, ?\n", "line 2"), ("# nothing\n", "holds no synonyms")],
)
def test_a_file_of_synonyms_that_holds_none_is_refused(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        augment(labelled(), synonyms(tmp_path, content))


def test_a_file_of_synonyms_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        augment(labelled(), AugmentSettings(methods=("synonyms",), synonyms=tmp_path / "none.txt"))
    (tmp_path / "latin.txt").write_bytes("caf\xe9, bar".encode("latin-1"))
    with pytest.raises(DataError, match="not UTF-8"):
        augment(labelled(), AugmentSettings(methods=("synonyms",), synonyms=tmp_path / "latin.txt"))


class Backwards:
    """Fills a word's place with the word backwards, but knows nothing for "card"."""

    def __call__(
        self, texts: Sequence[Words], places: Sequence[Sequence[int]], seed: int
    ) -> list[list[str | None]]:
        return [
            [None if text.words[place] == "card" else text.words[place][::-1].lower() for place in at]
            for text, at in zip(texts, places, strict=True)
        ]


def test_a_masked_model_fills_words_with_letters_only() -> None:
    chosen = AugmentSettings(methods=("masked",), masked_share=0.999)
    texts = ["Lost 12 card", "12 34"]
    assert augmented_texts(texts, chosen, fill=Backwards()) == ("Tsol 12 card",)
    with pytest.raises(RecipeError, match="masked language model"):
        augment(labelled(), chosen)


@pytest.mark.parametrize(
    "fields", [{"methods": ()}, {"methods": ("shuffle",)}, {"copies": 0}, {"deletion_share": 1.0}, {"p": 1}]
)
def test_settings_out_of_range_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        AugmentSettings.model_validate(fields)
