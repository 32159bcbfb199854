from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer

from pocketformer.errors import TokenizerError
from pocketformer.tokenizer import InGraphTokenizer, TokenizerTables, build_tables, read_tokenizer
from pocketformer.tokenizer.trie import build_trie

Built = tuple[Tokenizer, TokenizerTables]


def _same(first: TokenizerTables, second: TokenizerTables) -> bool:
    mine, other = dict(first.named_buffers()), dict(second.named_buffers())
    return (
        first.facts == second.facts
        and mine.keys() == other.keys()
        and all(
            torch.equal(mine[name], other[name]) and mine[name].dtype == other[name].dtype for name in mine
        )
    )


@pytest.fixture
def builds(uncased: Built, monkeypatch: pytest.MonkeyPatch) -> list[Tokenizer]:
    """Building takes seconds: here it only notes that it was asked to."""
    built: list[Tokenizer] = []
    arrays = {name: buffer.to(torch.int32).numpy() for name, buffer in uncased[1].named_buffers()}

    def build(tokenizer: Tokenizer, *_: object) -> object:
        built.append(tokenizer)
        return uncased[1].facts, arrays

    monkeypatch.setattr("pocketformer.tokenizer.tables._build", build)
    return built


def test_tables_come_from_the_cache(uncased: Built, builds: list[Tokenizer], tmp_path: Path) -> None:
    for _ in range(3):
        assert _same(build_tables(uncased[0], tmp_path), uncased[1])
    assert len(builds) == 1
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:99],
        lambda data: data[:-9] + b"x" * 9,
        lambda data: data[:3000] + b"damaged" + data[3007:],
    ],
)
def test_a_damaged_cache_is_built_anew(
    uncased: Built, builds: list[Tokenizer], tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    build_tables(uncased[0], tmp_path)
    (entry,) = tmp_path.iterdir()
    entry.write_bytes(damage(entry.read_bytes()))
    for _ in range(2):
        assert _same(build_tables(uncased[0], tmp_path), uncased[1])
    assert len(builds) == 2


def test_a_cache_that_cannot_be_written_does_no_harm(
    uncased: Built, builds: list[Tokenizer], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    assert _same(build_tables(uncased[0], tmp_path / "file"), uncased[1])
    assert len(builds) == 1


def test_another_setting_is_another_entry(
    uncased: Built, with_settings: Callable[..., Tokenizer], table_cache: Path
) -> None:
    assert not _same(build_tables(with_settings(lowercase=False), table_cache), uncased[1])


def test_sizes_share_one_set_of_tables(uncased: Built) -> None:
    small, large = InGraphTokenizer(uncased[1], 16, 8), InGraphTokenizer(uncased[1], 64, 32)
    for (name, mine), (_, other) in zip(
        small.tables.named_buffers(), large.tables.named_buffers(), strict=True
    ):
        assert mine.data_ptr() == other.data_ptr(), name


def test_marks_that_unicode_reorders_are_refused(
    write_checkpoint: Callable[..., Path], tmp_path: Path
) -> None:
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "##\u302e", "##\U0001d165"]
    tokenizer = read_tokenizer(write_checkpoint(pieces))
    with pytest.raises(TokenizerError, match=r"U\+302E \(class 224\), U\+1D165 \(class 216\)"):
        build_tables(tokenizer, tmp_path)


def test_a_replacement_character_in_an_uncleaned_vocabulary_is_refused(
    write_checkpoint: Callable[..., Path], tmp_path: Path
) -> None:
    tokenizer = read_tokenizer(write_checkpoint(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "\ufffd"]))
    tokenizer.normalizer.clean_text = False
    with pytest.raises(TokenizerError, match=r"holds U\+FFFD and clean_text is off"):
        build_tables(tokenizer, tmp_path)


@pytest.mark.parametrize("depth", [1, 2, 3, 5, 8, 13, 18, 31, 100])
def test_every_sum_of_a_base_and_a_node_stays_in_the_array(depth: int) -> None:
    pieces = {tuple((start * step) % 7 + 1 for step in range(depth)): start for start in range(1, 6)}
    trie = build_trie(pieces, code_count=8, unk_id=0)
    assert trie.base.min() >= 0
    assert len(trie.check) > trie.base.max()
    assert trie.block * (trie.repeats + 2) > depth
    assert sorted(set(trie.best_id[trie.best_length == depth])) == sorted(set(pieces.values()))
