"""Cutting neurons and heads: the right ones, the same function without them, and a usable checkpoint."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel

from pocketformer import pipeline
from pocketformer.checkpoint import (
    ARCHITECTURES,
    TextClassifier,
    attention_size,
    is_classifier,
    linear_at,
    load_classifier,
    load_encoder,
    load_tokenizer,
    new_classifier,
    quiet_transformers,
    save_classifier,
    save_encoder,
)
from pocketformer.data import LabeledTexts
from pocketformer.errors import CheckpointError, DataError, RecipeError
from pocketformer.pipeline import Silent
from pocketformer.recipe import ExportRecipe
from pocketformer.shrink import ShrinkSettings, shrink
from pocketformer.shrink.importance import measure_importance
from pocketformer.shrink.layers import layer_list
from pocketformer.targets import targets
from pocketformer.train import DistillSettings, distill
from tiny import tiny_checkpoint, tiny_classifier

TEXTS = ["hello my card", "where is the money please", "account not lost", "the world", "how can i 5"]
TEXTS += [f"please help {word} {number}" for number in range(6) for word in ("card", "money", "world")]
PRUNABLE = sorted(name for name, one in ARCHITECTURES.items() if one.parts is not None)
WHOLE_VOCABULARY = {"trim_vocabulary": False}
IDS = torch.tensor([[2, 7, 9, 12, 3], [2, 15, 3, 0, 0]])
MASK = (IDS > 0).long()


def labelled(labels: tuple[str, ...] = ("card", "money", "other")) -> LabeledTexts:
    return LabeledTexts(TEXTS, np.arange(len(TEXTS)) % len(labels), labels, multi_label=False)


def wider(directory: Path, model_type: str = "bert", **config: int) -> Path:
    """Save a tiny classifier with four heads a layer."""
    heads = "n_heads" if model_type == "distilbert" else "num_attention_heads"
    return tiny_classifier(directory, model_type=model_type, **{heads: 4, **config})


def silence(
    model: TextClassifier, neurons: dict[int, list[int]], heads: dict[int, list[int]], head_size: int = 8
) -> None:
    """Take units out of what a model computes, by layer: nothing reads them any more."""
    parts = model.architecture.parts
    assert parts is not None
    with torch.no_grad():
        for number, layer in enumerate(layer_list(model.encoder, model.architecture.layers)):
            linear_at(layer, parts.narrowing).weight[:, neurons.get(number, [])] = 0
            for head in heads.get(number, []):
                linear_at(layer, parts.mixing).weight[:, head * head_size : (head + 1) * head_size] = 0


@pytest.mark.parametrize("model_type", PRUNABLE)
def test_pruned_is_the_whole_with_the_other_units_at_zero(tmp_path: Path, model_type: str) -> None:
    source = wider(tmp_path / "whole", model_type)
    settings = ShrinkSettings(neurons=40, heads=3, **WHOLE_VOCABULARY)
    result = shrink(source, tmp_path / "cut", settings, TEXTS)
    pruning = result.pruning
    assert pruning is not None
    assert (pruning.neurons, pruning.neurons_before, pruning.heads, pruning.heads_before) == (40, 64, 3, 4)
    whole, cut = load_classifier(source), load_classifier(tmp_path / "cut")
    parts = whole.architecture.parts
    assert parts is not None
    gone: dict[int, list[int]] = {}
    for number in range(2):
        was, now = (
            linear_at(layer_list(model.encoder, whole.architecture.layers)[number], parts.widening).weight
            for model in (whole, cut)
        )
        gone[number] = [row for row in range(64) if not (now == was[row]).all(dim=1).any()]
        assert len(gone[number]) == 24
    silence(
        whole, gone, {number: [*set(range(4)) - set(kept)] for number, kept in enumerate(pruning.kept_heads)}
    )
    with torch.inference_mode():
        torch.testing.assert_close(cut(IDS, MASK).logits, whole(IDS, MASK).logits, atol=1e-6, rtol=0)
    assert result.parameters == sum(parameter.numel() for parameter in cut.parameters())
    assert result.parameters < result.parameters_before


def test_units_that_do_nothing_are_found_and_cost_nothing(tmp_path: Path) -> None:
    source = wider(tmp_path / "whole")
    model = load_classifier(source)
    dead_neurons, dead_heads = {0: [3, 5, 60], 1: [0, 1, 63]}, {0: [2], 1: [0]}
    silence(model, dead_neurons, dead_heads)
    save_classifier(model, load_tokenizer(source), tmp_path / "dead")
    found = measure_importance(model, model.architecture, load_tokenizer(source), TEXTS)
    for number in range(2):
        assert (
            found.neurons[number].topk(3, largest=False).indices.sort().values.tolist()
            == dead_neurons[number]
        )
        assert found.heads[number].argmin().item() == dead_heads[number][0]
    settings = ShrinkSettings(neurons=61, heads=3, **WHOLE_VOCABULARY)
    result = shrink(tmp_path / "dead", tmp_path / "cut", settings, TEXTS)
    assert result.pruning is not None
    assert result.pruning.kept_heads == ((0, 1, 3), (1, 2, 3))
    assert (result.pruning.neurons_share, result.pruning.heads_share) == pytest.approx((1.0, 1.0))
    with torch.inference_mode():
        torch.testing.assert_close(
            load_classifier(tmp_path / "cut")(IDS, MASK).logits, model(IDS, MASK).logits, atol=1e-6, rtol=0
        )


def test_importance_is_how_far_the_logits_move(tmp_path: Path) -> None:
    source = wider(tmp_path / "whole")
    model, tokenizer = load_classifier(source), load_tokenizer(source)
    texts = TEXTS[:6]
    found = measure_importance(model, model.architecture, tokenizer, texts * 40)
    turned = load_classifier(source).double()
    small = 1e-3  # turns a neuron down by a thousandth, which moves logits by a thousandth of what it gives
    with torch.no_grad():
        turned.encoder.encoder.layer[0].output.dense.weight[:, 7] *= 1 - small
        signs = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0])] * 3).double()
        moves = []
        for text in texts:
            batch = tokenizer(text, return_tensors="pt", return_token_type_ids=False)
            change = (model.double()(**batch).logits - turned(**batch).logits) / small
            moves.append((signs @ change[0]).abs().mean().item())  # over every combination of the three
    assert found.texts == 40 * len(texts)
    assert found.neurons[0, 7].item() == pytest.approx(np.mean(moves), rel=0.1)


def test_as_many_texts_are_asked_as_settings_say(tmp_path: Path) -> None:
    source = wider(tmp_path / "whole")
    settings = ShrinkSettings(heads=1, importance_texts=7, **WHOLE_VOCABULARY)
    result = shrink(source, tmp_path / "cut", settings, (), labelled())
    assert result.pruning is not None
    assert result.pruning.texts == 7
    assert "measured on 7 texts" in " ".join(result.notes)


def test_multi_label_classifiers_are_pruned_too(tmp_path: Path) -> None:
    source = tiny_classifier(tmp_path / "whole", multi_label=True, num_attention_heads=4)
    shrink(source, tmp_path / "cut", ShrinkSettings(neurons=8, heads=2, **WHOLE_VOCABULARY), TEXTS)
    assert load_classifier(tmp_path / "cut").multi_label


def test_layers_neurons_heads_and_pieces_go_in_one_call(tmp_path: Path) -> None:
    source = wider(tmp_path / "whole", num_hidden_layers=3)
    settings = ShrinkSettings(layers=(2, 0), neurons=32, heads=2)
    result = shrink(source, tmp_path / "cut", settings, TEXTS, labelled(), labelled())
    cut = load_classifier(tmp_path / "cut")
    config = cut.encoder.config
    assert (config.num_hidden_layers, config.intermediate_size) == (2, 32)
    assert attention_size(config).heads == 2
    assert config.vocab_size == result.pieces < result.pieces_before
    assert result.pruning is not None
    assert len(result.pruning.kept_heads) == 2
    # Both are measured in the whole model: a layer keeps the units it keeps when it is not moved.
    alone = shrink(source, tmp_path / "alone", replace_layers(settings, None), TEXTS, labelled())
    assert alone.pruning is not None
    assert result.pruning.kept_heads == (alone.pruning.kept_heads[2], alone.pruning.kept_heads[0])
    saved = json.loads((tmp_path / "cut" / "shrink.json").read_text("utf-8"))
    assert (saved["pruning"]["neurons"], saved["pruning"]["heads"]) == (32, 2)
    notes = " ".join(result.notes)
    assert "Feed-forward neurons: 32 of 64 in each layer" in notes
    assert "Attention heads: 2 of 4 in each layer" in notes


def replace_layers(settings: ShrinkSettings, layers: tuple[int, ...] | None) -> ShrinkSettings:
    return settings.model_copy(update={"layers": layers})


def test_what_plain_transformers_loads(tmp_path: Path) -> None:
    source = tiny_checkpoint(tmp_path / "base", num_attention_heads=4)
    shrink(source, tmp_path / "neurons", ShrinkSettings(neurons=24, **WHOLE_VOCABULARY), TEXTS)
    ours = load_encoder(tmp_path / "neurons")
    with quiet_transformers(), torch.inference_mode():
        plain = AutoModel.from_pretrained(tmp_path / "neurons").eval()
        assert torch.equal(plain(IDS, MASK).last_hidden_state, ours(IDS, MASK).last_hidden_state)
    shrink(source, tmp_path / "heads", ShrinkSettings(heads=3, **WHOLE_VOCABULARY), TEXTS)
    with quiet_transformers(), pytest.raises(RuntimeError, match="ignore_mismatched_sizes"):
        AutoModel.from_pretrained(tmp_path / "heads")


def test_bare_encoder_keeps_its_heads_through_all_that_follows(tmp_path: Path) -> None:
    source = tiny_checkpoint(tmp_path / "base", num_attention_heads=4)
    result = shrink(source, tmp_path / "cut", ShrinkSettings(heads=3, **WHOLE_VOCABULARY), TEXTS)
    assert result.pruning is not None
    assert not is_classifier(tmp_path / "cut")
    encoder = load_encoder(tmp_path / "cut")
    assert encoder.encoder.layer[0].attention.self.query.weight.shape == (24, 32)
    save_encoder(encoder, load_tokenizer(source), tmp_path / "again")
    classifier = new_classifier(tmp_path / "again", ("a", "b"), multi_label=False)
    save_classifier(classifier, load_tokenizer(source), tmp_path / "classifier")
    loaded = load_classifier(tmp_path / "classifier")
    bare = load_encoder(tmp_path / "classifier")
    with torch.inference_mode():
        assert torch.equal(loaded(IDS, MASK).logits, classifier(IDS, MASK).logits)
        states = bare(IDS, MASK).last_hidden_state
        assert torch.equal(states, encoder(IDS, MASK).last_hidden_state)
    shrink(tmp_path / "again", tmp_path / "twice", ShrinkSettings(heads=1, **WHOLE_VOCABULARY), TEXTS)
    assert attention_size(load_encoder(tmp_path / "twice").config).heads == 1


def test_pruned_student_is_distilled(tmp_path: Path) -> None:
    source, data = wider(tmp_path / "teacher"), labelled()
    shrink(source, tmp_path / "start", ShrinkSettings(neurons=16, heads=2, layers=1), TEXTS, data)
    settings = DistillSettings(epochs=1, max_length=16, attention_weight=0.5, hidden_weight=0.5)
    result = distill(str(source), str(tmp_path / "start"), data, data, tmp_path / "out", settings)
    trained = load_classifier(tmp_path / "out")
    assert attention_size(trained.encoder.config).heads == 2
    assert trained.encoder.config.intermediate_size == 16
    assert result.parameters == sum(parameter.numel() for parameter in trained.parameters())


@pytest.mark.slow
@pytest.mark.parametrize("target", sorted(targets()))
def test_pruned_checkpoint_becomes_files_of_every_format(tmp_path: Path, target: str) -> None:
    source = wider(tmp_path / "whole")
    shrink(source, tmp_path / "cut", ShrinkSettings(neurons=40, heads=3), TEXTS)
    recipe = ExportRecipe(targets=(target,), precisions=("fp32",), lengths=(16,), max_bytes=128)
    edition = pipeline.export_checkpoint(
        str(tmp_path / "cut"), tmp_path / "dist", "model", recipe, "tiny", Silent()
    )
    edition = pipeline.verify_edition(edition, tmp_path / "dist", None, Silent())
    (file,) = edition.files
    assert file.format == target
    assert file.verdict is not None
    assert file.verdict.passed


@pytest.mark.parametrize(
    ("settings", "error", "sentence"),
    [
        ({"neurons": 65}, RecipeError, "65 neurons were asked for, but each layer has 64; ask for 1 to 64"),
        ({"heads": 5}, RecipeError, "5 heads were asked for, but each layer has 4; ask for 1 to 4"),
    ],
)
def test_more_than_there_are_is_refused(
    tmp_path: Path, settings: dict[str, int], error: type[Exception], sentence: str
) -> None:
    source = wider(tmp_path / "whole")
    with pytest.raises(error, match=sentence):
        shrink(source, tmp_path / "out", ShrinkSettings(**settings), TEXTS)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_measured_is_refused(tmp_path: Path) -> None:
    source = wider(tmp_path / "whole")
    with pytest.raises(DataError, match="no texts to measure"):
        shrink(source, tmp_path / "out", ShrinkSettings(heads=1, **WHOLE_VOCABULARY))
    other = tiny_classifier(tmp_path / "mobile", model_type="mobilebert")
    with pytest.raises(RecipeError, match="layers of mobilebert are built otherwise"):
        shrink(other, tmp_path / "out", ShrinkSettings(neurons=8), TEXTS)


@pytest.mark.parametrize(
    "entry", [{"heads": 9, "head_size": 8}, {"heads": 2}, {"heads": "3", "head_size": 8}, 3]
)
def test_an_entry_that_cannot_be_true_is_a_sentence(tmp_path: Path, entry: object) -> None:
    source = wider(tmp_path / "whole")
    config = json.loads((source / "config.json").read_text("utf-8"))
    config["pocketformer"]["attention"] = entry
    (source / "config.json").write_text(json.dumps(config), "utf-8")
    with pytest.raises(CheckpointError, match='it must be of 1 to 4 "heads" with a "head_size" of 8'):
        load_classifier(source)
