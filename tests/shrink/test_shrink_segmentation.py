"""What trimming promises of any vocabulary: covered texts keep their pieces, no word becomes unknown."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import BertProcessing
from transformers import PreTrainedTokenizerFast

from pocketformer.shrink.vocabulary import coverage, kept_ids
from pocketformer.shrink.wordpiece import trim_tokenizer

LETTERS = "abcd"
OTHERS = "é東!"
SINGLE = [f"{prefix}{letter}" for letter in LETTERS + OTHERS for prefix in ("", "##")]


def tokenizer_of(pieces: list[str], *, lowercase: bool = True) -> PreTrainedTokenizerFast:
    """Return a tokenizer whose special tokens stand in the middle, framed by `BertProcessing`."""
    half = len(pieces) // 2
    pieces = list(
        dict.fromkeys([*pieces[:half], "[CLS]", "[UNK]", "[SEP]", "[PAD]", "[MASK]", *pieces[half:]])
    )
    ids = {piece: number for number, piece in enumerate(pieces)}
    backend = Tokenizer(WordPiece(ids, unk_token="[UNK]"))
    backend.normalizer, backend.pre_tokenizer = BertNormalizer(lowercase=lowercase), BertPreTokenizer()
    backend.post_processor = BertProcessing(("[SEP]", ids["[SEP]"]), ("[CLS]", ids["[CLS]"]))
    backend.add_special_tokens(
        [AddedToken("[PAD]", normalized=False), AddedToken("[MASK]", normalized=False)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]",
        mask_token="[MASK]",
    )  # fmt: skip


def pieces_of(tokenizer: PreTrainedTokenizerFast, text: str) -> list[str]:
    return tokenizer.convert_ids_to_tokens(tokenizer(text)["input_ids"])


def spelling(pieces: list[str]) -> str:
    return "".join(piece.removeprefix("##") for piece in pieces)


longer = st.text(LETTERS, min_size=2, max_size=5)
vocabularies = st.lists(st.one_of(longer, longer.map("##{}".format)), max_size=20).map(
    lambda pieces: [*SINGLE, *pieces]
)
words = st.text(LETTERS + OTHERS + "É [", max_size=12)


@examples(max_examples=40)
@given(pieces=vocabularies, corpus=st.lists(words, max_size=4), others=st.lists(words, max_size=8))
def test_any_vocabulary(pieces: list[str], corpus: list[str], others: list[str]) -> None:
    whole = tokenizer_of(pieces)
    keep = kept_ids(whole, corpus)
    smaller = trim_tokenizer(whole, keep)
    assert len(smaller) == len(keep)
    for text in corpus:
        assert pieces_of(smaller, text) == pieces_of(whole, text)
    for text in others:
        before, after = pieces_of(whole, text), pieces_of(smaller, text)
        assert (after[0], after[-1]) == ("[CLS]", "[SEP]")
        if set(whole(text)["input_ids"]) <= set(keep):
            assert after == before
        if "[UNK]" not in before:
            assert "[UNK]" not in after
            assert spelling(after) == spelling(before)
    found = coverage(whole, smaller, corpus)
    assert (found.same, found.tokens_same) == (found.texts, found.tokens)


def test_only_what_no_text_can_use_goes() -> None:
    """Marks and ideographs are words of their own, so their piece for inside a word is never used."""
    whole = tokenizer_of(SINGLE)
    kept = set(whole.convert_ids_to_tokens(kept_ids(whole, [])))
    assert set(SINGLE) - kept == {"##東", "##!"}


def test_special_tokens_keep_their_part_wherever_they_stand() -> None:
    whole = tokenizer_of([*SINGLE, "ab", "##cd"])
    smaller = trim_tokenizer(whole, kept_ids(whole, ["ab"]))
    for role in ("pad", "unk", "cls", "sep", "mask"):
        name, number = getattr(smaller, f"{role}_token"), getattr(smaller, f"{role}_token_id")
        assert name == f"[{role.upper()}]"
        assert smaller.convert_ids_to_tokens(number) == name
        assert number < len(smaller)
    assert pieces_of(smaller, "ab[MASK]abcd") == ["[CLS]", "ab", "[MASK]", "ab", "##c", "##d", "[SEP]"]


def _words(tokenizer: PreTrainedTokenizerFast) -> Iterator[list[str]]:
    backend = tokenizer.backend_tokenizer
    for code in range(sys.maxunicode + 1):
        if not 0xD800 <= code < 0xE000:
            normal = backend.normalizer.normalize_str(f"a{chr(code)}a")
            yield [word for word, _ in backend.pre_tokenizer.pre_tokenize_str(normal)]


@pytest.mark.slow
@pytest.mark.parametrize("lowercase", [True, False])
def test_no_character_of_unicode_brings_a_piece_back(lowercase: bool) -> None:
    """Whatever stands inside a word somewhere in Unicode keeps its piece for there."""
    whole = tokenizer_of([], lowercase=lowercase)
    inside = sorted({character for words in _words(whole) for word in words for character in word[1:]})
    whole = tokenizer_of([f"##{character}" for character in inside], lowercase=lowercase)
    kept = set(whole.convert_ids_to_tokens(kept_ids(whole, [])))
    assert [character for character in inside if f"##{character}" not in kept] == []
