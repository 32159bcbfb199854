"""Students from scratch: any width and depth, a vocabulary of their own, and fit for fine-tuning."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from pocketformer.checkpoint import load_encoder, load_tokenizer
from pocketformer.data import LabeledTexts
from pocketformer.errors import RecipeError, TokenizerError
from pocketformer.shrink import ScratchSettings, from_scratch
from pocketformer.shrink.scratch import default_heads
from pocketformer.train import FinetuneSettings, finetune
from tiny import tiny_checkpoint, tiny_vocab

SMALL = ScratchSettings(width=32, depth=1, max_positions=64)
TEXTS = ("where is my card", "money", "café 東京")


@pytest.mark.parametrize(
    "architecture", ["bert", "distilbert", "electra", "ernie", "megatron-bert", "squeezebert"]
)
def test_sizes_are_the_ones_asked_for(tmp_path: Path, architecture: str) -> None:
    settings = SMALL.model_copy(update={"architecture": architecture, "depth": 2})
    result = from_scratch(tiny_checkpoint(tmp_path / "base"), tmp_path / "out", settings, TEXTS)
    encoder, tokenizer = load_encoder(tmp_path / "out"), load_tokenizer(tmp_path / "out")
    config = encoder.config
    assert (config.model_type, config.hidden_size, config.num_hidden_layers) == (architecture, 32, 2)
    assert config.vocab_size == len(tokenizer) == result.pieces < result.pieces_before
    assert result.parameters == sum(parameter.numel() for parameter in encoder.parameters())
    ids = torch.tensor([tokenizer("where is my card").input_ids])
    assert encoder(ids).last_hidden_state.shape == (1, 6, 32)


def test_a_vocab_txt_is_enough_and_the_seed_decides(tmp_path: Path) -> None:
    vocabulary = tmp_path / "vocab.txt"
    vocabulary.write_text("".join(f"{piece}\n" for piece in tiny_vocab()), "utf-8")
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        settings = SMALL.model_copy(update={"seed": seed, "trim_vocabulary": False})
        from_scratch(vocabulary, tmp_path / name, settings)
    first, same, other = (
        load_encoder(tmp_path / name).get_input_embeddings().weight for name in ("a", "b", "c")
    )
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
    assert load_tokenizer(tmp_path / "a").tokenize("My card") == ["my", "card"]
    cased = SMALL.model_copy(update={"do_lower_case": False, "trim_vocabulary": False})
    from_scratch(vocabulary, tmp_path / "cased", cased)
    assert load_tokenizer(tmp_path / "cased").tokenize("My card") == ["[UNK]", "card"]


def test_it_can_be_trained(tmp_path: Path) -> None:
    texts = tuple(f"where is my {word} {number}" for number in range(16) for word in ("card", "money"))
    data = LabeledTexts(texts, np.array([0, 1] * 16, dtype=np.int64), ("card", "money"), False)
    from_scratch(tiny_checkpoint(tmp_path / "base"), tmp_path / "start", SMALL, texts)
    settings = FinetuneSettings(epochs=8, patience=8, batch_size=8, max_length=32, learning_rate=3e-3)
    assert finetune(tmp_path / "start", data, data, tmp_path / "out", settings).accuracy > 0.9


@pytest.mark.parametrize(("width", "heads"), [(256, 8), (384, 12), (768, 12), (64, 2), (48, 3), (200, 25)])
def test_heads_by_width(width: int, heads: int) -> None:
    assert default_heads(width) == heads


def test_sizes_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    base = tiny_checkpoint(tmp_path / "base")
    with pytest.raises(RecipeError, match="cannot be shared by 5 heads"):
        from_scratch(base, tmp_path / "out", SMALL.model_copy(update={"heads": 5}), TEXTS)
    with pytest.raises(RecipeError, match="no multiple of 8"):
        from_scratch(base, tmp_path / "out", SMALL.model_copy(update={"width": 36}), TEXTS)
    (tmp_path / "words.txt").write_text("a\nb\n", "utf-8")
    with pytest.raises(TokenizerError, match=r"lacks \[PAD\]"):
        from_scratch(tmp_path / "words.txt", tmp_path / "out", SMALL, TEXTS)
    assert not (tmp_path / "out").exists()
