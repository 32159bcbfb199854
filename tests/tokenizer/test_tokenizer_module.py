from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer

from pocketformer.tokenizer import (
    InGraphTokenizer,
    TokenizerTables,
    build_tables,
    encode_text,
    read_tokenizer,
)

Built = tuple[Tokenizer, TokenizerTables]
Compare = Callable[..., None]

PATIENT = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
AWKWARD = [
    "[MASK]", "[CLS]", "[SEP]", "[mask]", "[MASK", "[[PAD]]", "[MA\u0301SK]", "hello", "Hello", "CAFÉ",
    "cafe\u0301", "internationalization", "straße", "щи", "борщ", "q", "aqa", "ააბ", "ა", "한글",
    "ㅎㅏㄴ", "ガ", "か\u3099", "越过长城", "豈", "𠀀", "中", "İ", "ı", "Σς", "ﬁ", "½", "👍🏽",
    "👩\u200d👩\u200d👧", "\u200b", "\u00ad", "\ufeff", "\u2028", "\u0085", "\u3000", "\u180e", "\ufffd",
    "\x1c", "\x0b", "\t", " ", "  ", "...", "'", "#", "##a", "\U0001d160", "\u302e", "\ue000", "\U000e0001",
]  # fmt: skip
BROKEN = [
    b"\xff",
    b"\xc0\x80",
    b"\xe0\x80\x80",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xe4\xb8",
    b"\xf0\x9f",
    b"\x80",
]
PARTS = st.one_of(
    st.sampled_from([part.encode() for part in AWKWARD]),
    st.sampled_from(BROKEN),
    st.text("abcqxyzé", min_size=1, max_size=12).map(str.encode),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=4).map(str.encode),
    st.builds(lambda letter, count: letter.encode() * count, st.sampled_from("a1éq中"), st.integers(97, 103)),
    st.binary(max_size=3).map(lambda data: data.replace(b"\0", b"")),
)
TEXTS = st.lists(st.lists(PARTS, max_size=12).map(b"".join), min_size=1, max_size=12)


@PATIENT
@given(texts=TEXTS)
def test_any_text_has_the_ids_of_hugging_face(
    small: Built, assert_same_ids: Compare, texts: list[bytes]
) -> None:
    assert_same_ids(*small, texts, max_bytes=128, max_length=32)


@PATIENT
@given(texts=TEXTS)
def test_a_real_vocabulary_has_the_ids_of_hugging_face(
    minilm: Built, assert_same_ids: Compare, texts: list[bytes]
) -> None:
    assert_same_ids(*minilm, texts, max_bytes=128, max_length=48)


@PATIENT
@given(texts=TEXTS, max_bytes=st.integers(1, 40), max_length=st.integers(3, 20))
def test_every_size_of_input_and_output_works(
    uncased: Built, assert_same_ids: Compare, texts: list[bytes], max_bytes: int, max_length: int
) -> None:
    assert_same_ids(*uncased, texts, max_bytes, max_length)


def test_chinese_is_cut_into_characters(uncased: Built, vocabulary: list[str]) -> None:
    ids = InGraphTokenizer(uncased[1], 64, 16)(
        torch.from_numpy(encode_text("越过长城，走向世界", 64))
    ).input_ids
    assert [vocabulary[number] for number in ids[0].tolist()[:11]] == [
        "[CLS]",
        *"越过长城，走向世界",
        "[SEP]",
    ]


def test_words_are_unknown_from_101_characters_on(uncased: Built, assert_same_ids: Compare) -> None:
    texts = [
        f"a {letter * count} b" for letter in ("a", "é", "ab") for count in (49, 50, 51, 99, 100, 101, 150)
    ]
    assert_same_ids(*uncased, texts, max_bytes=512, max_length=128)


def test_a_text_is_truncated_and_its_length_counts_the_frame(uncased: Built) -> None:
    module = InGraphTokenizer(uncased[1], 32, 6)
    for text, length in (("", 2), ("a", 3), ("a b c d", 6), ("a b c d e f", 6)):
        found = module(torch.from_numpy(encode_text(text, 32)))
        assert found.length.tolist() == [length]
        assert found.attention_mask.tolist() == [[1] * length + [0] * (6 - length)]
        assert found.input_ids[0, length - 1] == 3
    assert found.token_type_ids.tolist() == [[0] * 6]
    assert all(tensor.dtype == torch.int32 for tensor in found)


def test_zero_bytes_leave_nothing_wherever_they_stand(uncased: Built, assert_same_ids: Compare) -> None:
    assert_same_ids(*uncased, [b"\0he\0llo [MA\0SK]\0", b"\xe4\0\xb8\xad", b"\0" * 64])


@PATIENT
@given(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=24, max_size=24))
def test_no_number_reads_outside_a_table(uncased: Built, numbers: list[int]) -> None:
    module = InGraphTokenizer(uncased[1], 24, 12)
    clamped = np.clip(np.array([numbers]), 0, 255).astype(np.int32)
    found = module(torch.tensor([numbers], dtype=torch.int32))
    assert torch.equal(found.input_ids, module(torch.from_numpy(clamped)).input_ids)
    assert int(found.input_ids.min()) >= 0
    assert int(found.input_ids.max()) < uncased[1].options.vocabulary_size


def test_special_tokens_of_other_names_and_of_any_length(
    write_checkpoint: Callable[..., object], assert_same_ids: Compare, tmp_path: object
) -> None:
    pieces = ["a", "</s>", "<pad>", "<s>", "<unk>", "##a", "b", "<", ">", "/", "s", "##s"]
    names = {"unk_token": "<unk>", "pad_token": "<pad>", "cls_token": "<s>", "sep_token": "</s>"}
    tokenizer = read_tokenizer(write_checkpoint(pieces, **names))
    long = "⟦a very long special token, 特⟧"
    tokenizer.add_special_tokens([AddedToken(long, normalized=False)])
    texts = [
        "aa<s>b</s>",
        long,
        f"a{long}a",
        long[:-1],
        f"{long[:-1]}a",
        "<pad",
        "a<pad>s",
        "⟦⟦a very",
        "<s><s>",
    ]
    assert_same_ids(tokenizer, build_tables(tokenizer, tmp_path), [*texts, "".join(texts)], 256, 48)


def test_it_exports_as_one_straight_line_of_plain_operations(uncased: Built) -> None:
    module = InGraphTokenizer(uncased[1], 64, 16).eval()
    text = torch.from_numpy(encode_text("unaffable [MASK]!", 64))
    program = torch.export.export(module, (text,))
    assert torch.equal(program.module()(text).input_ids, module(text).input_ids)
    names = {str(node.target) for node in program.graph.nodes if node.op == "call_function"}
    refused = (
        "full",
        "zeros",
        "ones",
        "pad",
        "div",
        "bitwise",
        "shift",
        "sort",
        "cummax",
        "search",
        "aten.index.",
    )
    assert not [name for name in names for part in refused if part in name]
    values = [node.meta.get("val") for node in program.graph.nodes]
    assert {value.dtype for value in values if isinstance(value, torch.Tensor)} <= {
        torch.int8,
        torch.int16,
        torch.int32,
        torch.bool,
    }


def test_a_target_can_swap_its_own_gather_in(uncased: Built) -> None:
    module = InGraphTokenizer(uncased[1], 32, 8)
    calls = []

    def counting(table: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        calls.append(len(index))
        return table[index]

    text = torch.from_numpy(encode_text("hello, world", 32))
    before = module(text).input_ids
    module.gather = counting
    assert torch.equal(module(text).input_ids, before)
    assert calls


@pytest.mark.parametrize(("max_bytes", "max_length"), [(0, 16), (16, 2)])
def test_impossible_sizes_are_refused(uncased: Built, max_bytes: int, max_length: int) -> None:
    with pytest.raises(ValueError, match="must be at least 1 and 3"):
        InGraphTokenizer(uncased[1], max_bytes, max_length)
