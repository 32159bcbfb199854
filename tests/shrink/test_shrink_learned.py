"""A vocabulary and word vectors learned from texts, for a student from scratch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from pocketformer.checkpoint import load_encoder, load_tokenizer
from pocketformer.errors import DataError, RecipeError
from pocketformer.shrink import ScratchSettings, from_scratch
from pocketformer.shrink.learned_vocabulary import learned_tokenizer
from pocketformer.shrink.word_vectors import word_vectors

SPECIAL = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}
TEXTS = tuple(
    f"{who}{what}手机 iPhone {number}" for number in range(4) for who in "我你" for what in ("买", "卖")
)
LEARNED = ScratchSettings(width=8, depth=1, max_positions=32, learned_pieces=64, word_vectors=True)


def test_words_of_a_script_without_spaces_become_pieces() -> None:
    tokenizer = learned_tokenizer(TEXTS, 200)
    pieces = tokenizer.tokenize("我买手机 IPHONE")
    assert "".join(pieces).replace("##", "") == "我买手机iphone"
    assert any(piece.endswith("手机") for piece in pieces)
    assert pieces[-1] == "iphone"


def test_old_characters_in_new_words_are_known_and_nothing_unused_stays() -> None:
    tokenizer = learned_tokenizer(TEXTS, 200)
    assert "[UNK]" not in tokenizer.tokenize("机手卖你我 honePi 3210")
    assert tokenizer.tokenize("车") == ["[UNK]"]
    used = {piece for text in TEXTS for piece in tokenizer.tokenize(text)}
    assert all(len(piece.removeprefix("##")) == 1 for piece in set(tokenizer.get_vocab()) - used - SPECIAL)


def test_the_same_texts_give_the_same_vocabulary_and_case_may_be_kept() -> None:
    # Many pairs stand equally often, so that the order in which they are met must not decide.
    drawn = np.random.Generator(np.random.PCG64(0)).integers(0x4E00, 0x4E40, (400, 20))
    texts = ["".join(map(chr, row)) for row in drawn]
    first, second = (learned_tokenizer(texts, 600) for _ in range(2))
    assert first.get_vocab() == second.get_vocab()
    assert "iPhone" in learned_tokenizer(TEXTS, 200, lowercase=False).get_vocab()


def test_pieces_that_stand_in_the_same_texts_get_near_vectors() -> None:
    # 0 is special; 1, 2, 3 stand together, and so do 4, 5, 6; 7 stands alone.
    draw = np.random.default_rng(0)
    ids = [[0, *draw.permutation(group)[:2]] for group in ([1, 2, 3], [4, 5, 6]) for _ in range(30)]
    vectors = word_vectors([*ids, [0, 7]], 8, 3, without=[0])
    assert vectors.dtype == np.float32
    assert np.square(vectors).mean(axis=1) == pytest.approx(1.0, abs=1e-4)
    likeness = vectors @ vectors.T / 3
    assert likeness[1, 2] > likeness[1, 5] + 0.5
    assert likeness[5, 6] > likeness[3, 6] + 0.5
    assert np.array_equal(vectors, word_vectors([*ids, [0, 7]], 8, 3, without=[0]))


def test_a_student_from_scratch_gets_both(tmp_path: Path) -> None:
    result = from_scratch(None, tmp_path / "out", LEARNED, TEXTS)
    tokenizer, encoder = load_tokenizer(tmp_path / "out"), load_encoder(tmp_path / "out")
    weight = encoder.get_input_embeddings().weight
    assert tokenizer.tokenize("我买手机")[-1].endswith("手机")
    assert weight.shape == (len(tokenizer), 8)
    assert not weight[tokenizer.pad_token_id].any()
    assert weight[1:].square().mean(dim=1).sqrt().allclose(torch.tensor(0.1), atol=1e-4)
    assert result.notes[1] == f"Vocabulary: {len(tokenizer)} pieces, learned from 16 texts."
    assert result.notes[2].startswith("Word embeddings:")


def test_too_few_texts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no texts to learn a vocabulary from"):
        from_scratch(None, tmp_path / "out", LEARNED, ["  "])
    wide = LEARNED.model_copy(update={"width": 256, "word_vectors": True})
    with pytest.raises(DataError, match=r"too few to learn word vectors of 256 numbers"):
        from_scratch(None, tmp_path / "out", wide, TEXTS)
    with pytest.raises(RecipeError, match="There is no vocabulary"):
        from_scratch(None, tmp_path / "out", LEARNED.model_copy(update={"learned_pieces": None}), TEXTS)
    assert not (tmp_path / "out").exists()
