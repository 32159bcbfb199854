"""The search for layers: it computes what the cut model would, and finds the layers that are worth most."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from pocketformer.checkpoint import ARCHITECTURES, load_classifier, load_encoder, load_tokenizer
from pocketformer.data import LabeledTexts
from pocketformer.errors import RecipeError
from pocketformer.shrink import ShrinkSettings, shrink
from pocketformer.shrink.layer_search import pooled_states, search_layers
from pocketformer.shrink.layers import keep_layers, layer_list
from pocketformer.train import FinetuneSettings, finetune
from tiny import tiny_checkpoint, tiny_classifier

LABELS = ("card", "money")
CHOICES = [(0,), (0, 1), (0, 2), (1,), (1, 2), (2,)]


def examples(*, multi_label: bool = False) -> LabeledTexts:
    texts = tuple(f"where is my {word} {number}" for number in range(16) for word in LABELS)
    targets = np.array([0, 1] * 16, dtype=np.int64)
    if multi_label:
        return LabeledTexts(texts, np.eye(2, dtype=np.float32)[targets], LABELS, True)
    return LabeledTexts(texts, targets, LABELS, False)


@pytest.mark.parametrize("model_type", sorted(ARCHITECTURES))
def test_states_are_those_of_the_cut_model(tmp_path: Path, model_type: str) -> None:
    depth = {"n_layers": 3} if model_type == "distilbert" else {"num_hidden_layers": 3}
    source = tiny_classifier(tmp_path / "whole", model_type=model_type, **depth)
    model = load_classifier(source)
    ids = torch.tensor([[2, 7, 9, 11, 3], [2, 8, 3, 0, 0]])
    batch = {"input_ids": ids, "attention_mask": (ids != 0).long()}
    found = pooled_states(model, batch, CHOICES)
    before = model(**batch).logits
    for layers, states in zip(CHOICES, found, strict=True):
        cut = load_classifier(source)
        keep_layers(cut.encoder, layers, cut.architecture.layers)
        with torch.inference_mode():
            expected = cut(**batch).logits
            assert torch.equal(cut.head(torch.from_numpy(states)), expected)
    whole = load_classifier(source)
    assert torch.equal(before, whole(**batch).logits)
    assert model.encoder.config.num_hidden_layers == 3


@pytest.mark.parametrize("multi_label", [False, True])
def test_search_leaves_out_the_layers_that_do_harm(tmp_path: Path, multi_label: bool) -> None:
    """A trained layer between two that make every text alike is the one that is found."""
    data = examples(multi_label=multi_label)
    base = tiny_checkpoint(tmp_path / "base", num_hidden_layers=1)
    settings = FinetuneSettings(epochs=6, patience=6, batch_size=8, max_length=32, learning_rate=3e-3)
    finetune(base, data, data, tmp_path / "good", settings)
    model, tokenizer = load_classifier(tmp_path / "good"), load_tokenizer(tmp_path / "good")
    noise = load_encoder(tiny_checkpoint(tmp_path / "noise", num_hidden_layers=2, seed=5)).encoder.layer
    for layer in noise:
        torch.nn.init.zeros_(layer.output.LayerNorm.weight)  # every text alike from here on
    good = layer_list(model.encoder, "encoder.layer")[0]
    model.encoder.encoder.layer = torch.nn.ModuleList([noise[0], good, noise[1]])
    model.encoder.config.num_hidden_layers = 3
    found = search_layers(model, tokenizer, 1, data, data)
    assert found.layers == (1,)
    assert found.accuracy > 0.9 > found.spaced_accuracy
    assert [*model.encoder.encoder.layer] == [noise[0], good, noise[1]]


def test_of_many_choices_layers_are_left_out_one_by_one(tmp_path: Path) -> None:
    source = tiny_classifier(tmp_path / "deep", LABELS, num_hidden_layers=9)
    model, tokenizer = load_classifier(source), load_tokenizer(source)
    told: list[float] = []
    first = search_layers(model, tokenizer, 4, examples(), examples(), lambda done, _: told.append(done))
    assert len(first.layers) == 4 < first.tried < 9 * 5 < 126
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert first == search_layers(model, tokenizer, 4, examples(), examples())


def test_a_bare_encoder_is_asked_as_well(tmp_path: Path) -> None:
    source = tiny_checkpoint(tmp_path / "base", num_hidden_layers=3)
    settings = ShrinkSettings(layers=2, choose="search")
    data = examples()
    result = shrink(source, tmp_path / "out", settings, data.texts, data, data)
    assert result.search is not None
    assert result.layers == result.search.layers
    assert any("probed 3 choices of layers on 32 dev texts" in note for note in result.notes)
    assert load_encoder(tmp_path / "out").config.num_hidden_layers == 2
    with pytest.raises(RecipeError, match="4 layers were asked for, but the encoder has 3"):
        shrink(source, tmp_path / "more", settings.model_copy(update={"layers": 4}), (), data, data)


def test_search_needs_a_number_of_layers() -> None:
    with pytest.raises(ValueError, match="needs a number of layers to choose"):
        ShrinkSettings(layers=(0, 1), choose="search")
