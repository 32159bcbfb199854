"""A masked language model proposes whole words; a checkpoint without that head says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModelForMaskedLM

from pocketformer.checkpoint import quiet_transformers
from pocketformer.data import LabeledTexts
from pocketformer.data.augmentation import AugmentSettings, Words, augment
from pocketformer.errors import CheckpointError
from pocketformer.train.masked_words import MaskedWords, masked_words_for
from tiny import tiny_checkpoint, tiny_classifier, tiny_vocab, write_vocabulary

TEXTS = ["I lost my card!", "where is the money?", "中文 please", "你好 hello 銀", "account " * 30, "42"]


def tiny_masked_model(
    directory: Path, model_type: str = "bert", bias: dict[str, float] | None = None
) -> Path:
    """Save a random masked language model; `bias` makes pieces likely."""
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    if model_type == "distilbert":
        sizes = {"dim": 32, "n_layers": 1, "n_heads": 2, "hidden_dim": 64}
    elif model_type == "electra":
        sizes["embedding_size"] = 16
    config = AutoConfig.for_model(
        model_type, vocab_size=len(tiny_vocab()), max_position_embeddings=64, **sizes
    )
    with torch.random.fork_rng(devices=[]), quiet_transformers():
        torch.manual_seed(0)
        model = AutoModelForMaskedLM.from_config(config)
        for piece, value in (bias or {}).items():
            model.get_output_embeddings().bias.data[tiny_vocab().index(piece)] = value
        model.save_pretrained(directory)
    write_vocabulary(directory)
    return directory


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> MaskedWords:
    return MaskedWords(tiny_masked_model(tmp_path_factory.mktemp("masked") / "model"), top_k=30, batch_size=2)


def words_of(texts: list[str]) -> tuple[list[Words], list[list[int]]]:
    apart = [Words.of(text) for text in texts]
    return apart, [list(range(len(text.words))) for text in apart]


def test_words_are_whole_others_and_of_the_script(model: MaskedWords) -> None:
    apart, places = words_of(TEXTS)
    for seed in range(5):
        for text, found in zip(apart, model(apart, places, seed), strict=True):
            for word, other in zip(text.words, found, strict=True):
                assert other is None or (other.isalpha() and other in tiny_vocab())
                assert other is None or other != word.lower()
                assert other is None or ("一" <= other <= "鿿") == ("一" <= word <= "鿿")
    found = model(apart, places, 0)
    assert None not in found[0] + found[1] + found[2]


def test_the_same_seed_proposes_the_same_and_another_does_not(model: MaskedWords) -> None:
    apart, places = words_of(TEXTS)
    assert model(apart, places, 1) == model(apart, places, 1)
    assert model(apart, places, 1) != model(apart, places, 2)


def test_likely_words_are_proposed_and_never_the_word_itself(tmp_path: Path) -> None:
    source = tiny_masked_model(
        tmp_path / "likely", bias={"card": 50.0, "money": 40.0, "##s": 60.0, "[SEP]": 60.0}
    )
    found = MaskedWords(source, top_k=1)(*words_of(["my card", "the card money"]), 0)
    assert found == [["card", "money"], ["card", "money", "card"]]


def test_words_beyond_the_models_length_get_no_other(tmp_path: Path) -> None:
    found = MaskedWords(tiny_masked_model(tmp_path / "short"), max_length=6)(*words_of(["a " * 9]), 0)
    assert [word is None for word in found[0]] == [False] * 4 + [True] * 5


def test_a_text_that_holds_the_mask_token_is_left_alone(model: MaskedWords) -> None:
    apart = [Words.of("my [MASK] card"), Words.of("my card")]
    found = model(apart, [[0], [0]], 0)
    assert found[0] == [None]
    assert found[1] != [None]


@pytest.mark.parametrize("model_type", ["distilbert", "electra"])
def test_other_architectures_heads_are_found(tmp_path: Path, model_type: str) -> None:
    found = MaskedWords(tiny_masked_model(tmp_path / model_type, model_type))(*words_of(["my card"]), 0)
    assert None not in found[0]


@pytest.mark.parametrize("make", [tiny_checkpoint, tiny_classifier])
def test_a_checkpoint_without_the_head_is_refused(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    with pytest.raises(CheckpointError, match=r"no masked-language-model head.*masked_model = "):
        MaskedWords(make(tmp_path / "plain"))


def test_it_augments_texts_and_tells_its_progress(tmp_path: Path) -> None:
    source = tiny_masked_model(tmp_path / "model")
    train = LabeledTexts(tuple(TEXTS), np.arange(6) % 2, ("a", "b"), False)
    settings = AugmentSettings(methods=("masked",), copies=2, top_k=30)
    told: list[float] = []
    fill = masked_words_for(settings, str(source), lambda fraction, message: told.append(fraction))
    result, report = augment(train, settings, fill=fill)
    assert report.copies["masked"] >= 8
    assert result.texts[6].endswith("!")  # of the first text, whose punctuation stays
    assert told[-1] == 1.0
    assert augment(train, settings, fill=fill)[0].texts == result.texts
    assert masked_words_for(AugmentSettings(), "no such checkpoint") is None
