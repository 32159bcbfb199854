from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors

from pocketformer.errors import TokenizerError
from pocketformer.tokenizer import read_options, read_tokenizer, reference_ids

Write = Callable[..., Path]


def test_defaults_are_those_of_bert(write_checkpoint: Write, vocabulary: list[str]) -> None:
    options = read_options(read_tokenizer(write_checkpoint()))
    assert (options.lowercase, options.strip_accents, options.tokenize_chinese_chars) == (True, None, True)
    assert (options.pad_id, options.unk_id, options.cls_id, options.sep_id) == (0, 1, 2, 3)
    assert options.strips_accents
    assert options.max_chars_per_word == 100
    assert options.vocabulary_size == len(vocabulary)
    assert dict(options.special_tokens)["[MASK]"] == 4


@pytest.mark.parametrize("lowercase", [True, False])
@pytest.mark.parametrize("strip", [True, False, None])
@pytest.mark.parametrize("chinese", [True, False])
def test_a_vocabulary_reads_as_transformers_reads_it(
    write_checkpoint: Write, lowercase: bool, strip: bool | None, chinese: bool
) -> None:
    transformers = pytest.importorskip("transformers")
    config = {"do_lower_case": lowercase, "strip_accents": strip, "tokenize_chinese_chars": chinese}
    directory = write_checkpoint(**config)
    theirs = transformers.BertTokenizer.from_pretrained(directory)
    for text in ("Hello Café, 越过长城!", "ÀB [MASK]a", "\u0301中國"):
        assert (
            reference_ids(read_tokenizer(directory), [text], 99, 24)[0][0].tolist()
            == theirs(text, padding="max_length", max_length=24)["input_ids"]
        )


def test_special_tokens_may_have_other_names_and_ids(write_checkpoint: Write) -> None:
    pieces = ["a", "</s>", "<pad>", "<s>", "<unk>", "##a"]
    names = {"unk_token": "<unk>", "pad_token": {"content": "<pad>"}, "cls_token": "<s>", "sep_token": "</s>"}
    tokenizer = read_tokenizer(write_checkpoint(pieces, **names))
    ids, mask = reference_ids(tokenizer, ["aa b<s>"], 16, 8)
    assert ids.tolist() == [[3, 0, 5, 4, 3, 1, 2, 2]]
    assert mask.tolist() == [[1, 1, 1, 1, 1, 1, 0, 0]]


def test_a_saved_tokenizer_reads_the_same_without_its_padding(write_checkpoint: Write) -> None:
    directory = write_checkpoint()
    tokenizer = read_tokenizer(directory)
    tokenizer.enable_truncation(5)
    tokenizer.enable_padding(length=64, pad_id=0, pad_token="[PAD]")
    tokenizer.save(str(directory / "tokenizer.json"))
    again = read_tokenizer(directory)
    assert (
        again.encode("hello a b c d e").ids
        == read_tokenizer(directory / "vocab.txt").encode("hello a b c d e").ids
    )


def test_additional_tokens_are_read(write_checkpoint: Write, vocabulary: list[str]) -> None:
    entry = {"content": "[E1]", "special": True}
    directory = write_checkpoint(
        added_tokens_decoder={str(len(vocabulary)): entry}, additional_special_tokens=["[E2]"]
    )
    options = read_options(read_tokenizer(directory))
    assert options.special_tokens[-2:] == (("[E1]", len(vocabulary)), ("[E2]", len(vocabulary) + 1))
    assert options.vocabulary_size == len(vocabulary) + 2


def test_an_empty_directory_says_what_to_copy(tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match=r"no tokenizer: expected tokenizer\.json, or vocab\.txt"):
        read_tokenizer(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("tokenizer.json", b"{", "no valid JSON"),
        ("tokenizer.json", b"[]", "holds a list"),
        ("tokenizer.json", b'{"model": 1}', "no tokenizer file"),
        ("vocab.txt", b"[PAD]\n\xff\n", "not UTF-8"),
        ("vocab.txt", b"[PAD]\n[CLS]\n[SEP]\na\n", r"unk token '\[UNK\]' is none of the 4 pieces"),
    ],
)
def test_broken_files_are_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TokenizerError, match=message):
        read_tokenizer(tmp_path)


def test_other_kinds_of_tokenizer_are_named(tmp_path: Path) -> None:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(TokenizerError, match=r"Sequence\[NFC, Lowercase\] \+ ByteLevel \+ BPE; only BERT's"):
        read_tokenizer(tmp_path)


@pytest.mark.parametrize("flag", ["lstrip", "rstrip", "single_word", "normalized"])
def test_added_tokens_that_match_more_than_their_text_are_refused(write_checkpoint: Write, flag: str) -> None:
    tokenizer = read_tokenizer(write_checkpoint())
    tokenizer.add_special_tokens([AddedToken("[E1]", **{"normalized": False, flag: True})])
    with pytest.raises(TokenizerError, match=rf"'\[E1\]' is set to {flag}"):
        read_options(tokenizer)


@pytest.mark.parametrize(("first", "second"), [("[A]", "[A][B]"), ("[AB", "B]"), ("aba", "aba")])
def test_added_tokens_that_can_overlap_are_refused(write_checkpoint: Write, first: str, second: str) -> None:
    tokenizer = read_tokenizer(write_checkpoint())
    tokenizer.add_special_tokens([AddedToken(text, normalized=False) for text in (first, second)])
    with pytest.raises(TokenizerError, match="can overlap"):
        read_options(tokenizer)


def test_a_tokenizer_without_frame_is_refused(write_checkpoint: Write) -> None:
    tokenizer = read_tokenizer(write_checkpoint())
    tokenizer.post_processor = processors.TemplateProcessing(single="$A", special_tokens=[])
    with pytest.raises(TokenizerError, match="puts 0 tokens around a text"):
        read_options(tokenizer)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("do_lower_case", False),
        ("strip_accents", False),
        ("tokenize_chinese_chars", False),
        ("padding_side", "left"),
    ],
)
def test_a_config_that_contradicts_the_tokenizer_is_refused(
    write_checkpoint: Write, option: str, value: object
) -> None:
    directory = write_checkpoint()
    read_tokenizer(directory).save(str(directory / "tokenizer.json"))
    (directory / "tokenizer_config.json").write_text(json.dumps({option: value}), "utf-8")
    with pytest.raises(TokenizerError, match=f"{option} = {value!r}"):
        read_tokenizer(directory)
