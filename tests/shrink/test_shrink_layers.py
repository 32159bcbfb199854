"""Keeping layers: which ones, of every architecture, and that the rest is what it was."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from pocketformer.checkpoint import ARCHITECTURES, load_classifier, load_encoder
from pocketformer.errors import CheckpointError, DataError, RecipeError
from pocketformer.shrink import ShrinkSettings, shrink
from pocketformer.shrink.layers import chosen_layers, layer_list
from tiny import tiny_checkpoint, tiny_classifier

LAYERS_ALONE = ShrinkSettings(layers=1, trim_vocabulary=False)


@pytest.mark.parametrize(
    ("count", "total", "choose", "expected"),
    [
        (3, 6, "spaced", (1, 3, 5)),
        (2, 6, "spaced", (2, 5)),
        (1, 12, "spaced", (11,)),
        (5, 12, "spaced", (1, 4, 6, 9, 11)),
        (6, 6, "spaced", (0, 1, 2, 3, 4, 5)),
        (2, 6, "first", (0, 1)),
        (2, 6, "last", (4, 5)),
    ],
)
def test_which_layers_are_chosen(count: int, total: int, choose: str, expected: tuple[int, ...]) -> None:
    assert chosen_layers(count, total, choose) == expected


@pytest.mark.parametrize("model_type", sorted(ARCHITECTURES))
def test_every_architecture_can_lose_layers(tmp_path: Path, model_type: str) -> None:
    source = tiny_classifier(tmp_path / "whole", model_type=model_type)
    result = shrink(source, tmp_path / "half", LAYERS_ALONE)
    whole, half = load_classifier(source), load_classifier(tmp_path / "half")
    assert (result.layers, result.layers_before) == ((1,), 2)
    assert half.encoder.config.num_hidden_layers == 1
    assert half.labels == whole.labels
    kept, was = (
        layer_list(model.encoder, whole.architecture.layers)[number].state_dict()
        for model, number in ((half, 0), (whole, 1))
    )
    assert all(torch.equal(kept[name], was[name]) for name in was)
    assert torch.equal(half.head.output.weight, whole.head.output.weight)
    ids = torch.tensor([[2, 7, 9, 3]])
    assert half(ids, torch.ones_like(ids)).logits.isfinite().all()


def test_bare_encoder_stays_one(tmp_path: Path) -> None:
    source = tiny_checkpoint(tmp_path / "base", num_hidden_layers=3)
    result = shrink(source, tmp_path / "out", ShrinkSettings(layers=(2, 0), trim_vocabulary=False))
    whole, cut = load_encoder(source), load_encoder(tmp_path / "out")
    assert result.layers == (2, 0)
    first = cut.encoder.layer[0].output.dense.weight
    assert torch.equal(first, whole.encoder.layer[2].output.dense.weight)
    assert (tmp_path / "out" / "shrink.json").is_file()


def test_what_cannot_be_kept_is_refused(tmp_path: Path) -> None:
    source = tiny_classifier(tmp_path / "whole")

    def attempt(**settings: object) -> None:
        shrink(source, tmp_path / "out", ShrinkSettings(**settings))  # type: ignore[arg-type]

    with pytest.raises(RecipeError, match="3 layers were asked for, but the encoder has 2"):
        attempt(layers=3, trim_vocabulary=False)
    with pytest.raises(RecipeError, match="different numbers from 0 to 1"):
        attempt(layers=(0, 2), trim_vocabulary=False)
    with pytest.raises(RecipeError, match="needs labelled texts"):
        attempt(layers=1, choose="search", trim_vocabulary=False)
    with pytest.raises(DataError, match="no texts to trim the vocabulary to"):
        attempt(layers=1)
    with pytest.raises(CheckpointError, match="the source itself"):
        shrink(source, source, LAYERS_ALONE)
    assert not (tmp_path / "out").exists()
