"""Trimming the vocabulary: covered texts are split as before, others fall back to smaller pieces."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from pocketformer.checkpoint import load_classifier, load_encoder, load_tokenizer
from pocketformer.data import LabeledTexts
from pocketformer.errors import DataError
from pocketformer.shrink import ShrinkSettings, shrink
from pocketformer.shrink.vocabulary import coverage, kept_ids
from pocketformer.shrink.wordpiece import trim_tokenizer
from pocketformer.tokenizer import read_tokenizer
from tiny import tiny_checkpoint, tiny_classifier, tiny_vocab

CORPUS = ("Where is my card?", "please account for the money", "café 東京")
WORDS = [piece.removeprefix("##") for piece in tiny_vocab() if piece[0] != "["]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> PreTrainedTokenizerFast:
    return load_tokenizer(tiny_checkpoint(tmp_path_factory.mktemp("whole")))


def pieces(tokenizer: PreTrainedTokenizerFast, text: str) -> list[str]:
    return tokenizer.convert_ids_to_tokens(tokenizer(text)["input_ids"])


texts = st.lists(
    st.one_of(st.sampled_from(WORDS), st.text(alphabet="acdehilmnorstwy é中東", max_size=8)), max_size=6
).map(" ".join)


@given(corpus=st.lists(texts, max_size=4), others=st.lists(texts, max_size=4))
def test_covered_texts_keep_their_pieces_and_none_becomes_unknown(
    whole: PreTrainedTokenizerFast, corpus: list[str], others: list[str]
) -> None:
    keep = kept_ids(whole, corpus)
    smaller = trim_tokenizer(whole, keep)
    for text in corpus:
        assert pieces(smaller, text) == pieces(whole, text)
    for text in others:
        before, after = pieces(whole, text), pieces(smaller, text)
        if set(whole(text)["input_ids"]) <= set(keep):
            assert after == before
        if "[UNK]" not in before:
            assert "[UNK]" not in after
            joined = ["".join(piece.removeprefix("##") for piece in part) for part in (before, after)]
            assert joined[0] == joined[1]


def test_rows_of_the_embedding_go_with_their_pieces(tmp_path: Path) -> None:
    source = tiny_classifier(tmp_path / "whole")
    result = shrink(source, tmp_path / "out", ShrinkSettings(), CORPUS)
    assert 0 < result.pieces < result.pieces_before
    assert result.embedding_bytes_saved == (result.pieces_before - result.pieces) * 32 * 4
    models = [load_classifier(path) for path in (source, tmp_path / "out")]
    tokenizers = [load_tokenizer(path) for path in (source, tmp_path / "out")]
    for text in CORPUS:
        logits = [
            model(
                **{name: torch.tensor([tokenizer(text)[name]]) for name in ("input_ids", "attention_mask")}
            ).logits
            for model, tokenizer in zip(models, tokenizers, strict=True)
        ]
        assert torch.equal(*logits)
    assert models[1].encoder.config.vocab_size == len(tokenizers[1]) == result.pieces


def test_files_are_ordinary_ones_that_everything_reads(tmp_path: Path) -> None:
    source = tiny_checkpoint(tmp_path / "whole")
    shrink(source, tmp_path / "out", ShrinkSettings(), CORPUS)
    saved = AutoTokenizer.from_pretrained(tmp_path / "out")
    lines = (tmp_path / "out" / "vocab.txt").read_text("utf-8").splitlines()
    assert [saved.convert_tokens_to_ids(piece) for piece in lines] == list(range(len(lines)))
    for name in ("pad", "unk", "cls", "sep", "mask"):
        assert lines[getattr(saved, f"{name}_token_id")] == f"[{name.upper()}]"
    assert load_encoder(tmp_path / "out").config.pad_token_id == saved.pad_token_id
    assert saved("card")["input_ids"][0] == saved.cls_token_id
    read_tokenizer(tmp_path / "out")  # and the one inside the model file does


def test_letters_of_scripts_that_no_text_uses_may_go(whole: PreTrainedTokenizerFast) -> None:
    corpus = ["card money", "银行!"]
    gone = set(kept_ids(whole, corpus)) - set(kept_ids(whole, corpus, foreign_letters=False))
    names = set(whole.convert_ids_to_tokens(sorted(gone)))
    assert {"я", "н", "##е", "##т"} <= names  # Cyrillic
    assert not names & {
        "中",
        "文",
        "a",
        "##z",
        "!",
        "€",
        "7",
    }  # ideographs stand in a text; signs always stay


def test_rare_pieces_go_and_listed_words_stay(whole: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    corpus = ["card card money", "hello"]
    everything, frequent = kept_ids(whole, corpus), kept_ids(whole, corpus, min_count=2)
    assert set(everything) - set(frequent) == set(whole.convert_tokens_to_ids(["money", "hello"]))
    (tmp_path / "words.txt").write_text("account 900\nworld 800\nnaive 7\n", "utf-8")
    source = tiny_checkpoint(tmp_path / "base")
    settings = ShrinkSettings(min_count=2, words=tmp_path / "words.txt", top_words=2)
    shrink(source, tmp_path / "out", settings, corpus)
    assert pieces(load_tokenizer(tmp_path / "out"), "account world card hello")[1:4] == [
        "account",
        "world",
        "card",
    ]
    with pytest.raises(DataError, match=r"frequency list .* cannot be read"):
        shrink(source, tmp_path / "other", ShrinkSettings(words=tmp_path / "none.txt"), corpus)


def test_coverage_is_counted(whole: PreTrainedTokenizerFast) -> None:
    smaller = trim_tokenizer(whole, kept_ids(whole, ["card"]))
    found = coverage(whole, smaller, ["card", "money card"])
    assert (found.texts, found.same, found.tokens, found.unknown) == (2, 1, 3, 0)
    assert found.tokens_now == 1 + 5 + 1  # m ##o ##n ##e ##y card


def test_coverage_of_dev_texts_is_told(tmp_path: Path) -> None:
    import numpy as np

    dev = LabeledTexts(("card", "money"), np.array([0, 1]), ("a", "b"), False)
    result = shrink(tiny_checkpoint(tmp_path / "base"), tmp_path / "out", ShrinkSettings(), ["card"], dev=dev)
    assert any("Of 2 held-out texts 1 (50.0%) are split as before" in note for note in result.notes)
