"""What is searched and what stays fixed; defaults by size; starting points."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pocketformer.errors import RecipeError
from pocketformer.search import SearchSettings, SearchSpace, StartingPoint
from pocketformer.search.space import Dimension, default_params, dimensions, settings_of, start_params
from pocketformer.train import DistillSettings, FinetuneSettings
from pocketformer.train.defaults import EncoderSize, resolve

MINILM, BASE = EncoderSize(384, 6), EncoderSize(768, 12)
PLAIN, EVERYTHING = FinetuneSettings(), SearchSpace()


def searched(
    given: FinetuneSettings = PLAIN,
    space: SearchSpace = EVERYTHING,
    size: EncoderSize = MINILM,
    head_is_new: bool = True,
) -> dict[str, Dimension]:
    resolved, _ = resolve(given, size, head_is_new=head_is_new)
    found = dimensions(space, given, resolved, head_is_new=head_is_new)
    return {dimension.name: dimension for dimension in found}


@pytest.mark.parametrize("size", [MINILM, BASE, EncoderSize(128, 2)])
def test_ranges_lie_around_the_defaults_of_the_encoder(size: EncoderSize) -> None:
    resolved, _ = resolve(FinetuneSettings(), size)
    found = searched(size=size)
    rate = found["learning_rate"]
    assert resolved.learning_rate is not None
    assert (rate.low, rate.high) == (
        pytest.approx(resolved.learning_rate / 8),
        pytest.approx(resolved.learning_rate * 8),
    )
    assert resolved.epochs in found["epochs"]
    defaults = default_params(tuple(found.values()), resolved)
    again, _ = resolve(settings_of(defaults, FinetuneSettings()), size)
    assert again == resolved


def test_a_setting_that_is_given_stays_unless_the_space_names_it() -> None:
    fixed = FinetuneSettings(dropout=0.2, head_learning_rate=1e-3, epochs=4)
    found = searched(fixed, SearchSpace(epochs=(2, 6)))
    assert "dropout" not in found
    assert "head_factor" not in found
    assert str(found["epochs"]) == "2 to 6"
    params = default_params(tuple(found.values()), resolve(fixed, MINILM)[0])
    assert params["epochs"] == 4
    settings = settings_of({**params, "epochs": 6}, fixed)
    assert (settings.dropout, settings.head_learning_rate, settings.epochs) == (0.2, 1e-3, 6)


def test_a_head_that_was_trained_before_is_kept() -> None:
    assert {"head", "pooling"}.isdisjoint(searched(head_is_new=False))


def test_distillation_adds_its_settings_and_only_it() -> None:
    assert {"temperature", "soft_weight"}.isdisjoint(searched())
    assert {"temperature", "soft_weight"} <= set(searched(DistillSettings()))
    with pytest.raises(RecipeError, match="temperature, a setting of distillation; give a teacher"):
        searched(space=SearchSpace(temperature=(1, 4)))


def test_when_everything_is_given_nothing_can_be_searched() -> None:
    every = FinetuneSettings(
        learning_rate=1e-4, head_learning_rate=1e-3, weight_decay=0.01, epochs=3, batch_size=32,
        warmup_ratio=0.1, head="linear", pooling="mean", dropout=0.1,
    )  # fmt: skip
    with pytest.raises(RecipeError, match="nothing to search"):
        searched(every)


def test_defaults_outside_of_a_range_are_moved_into_it() -> None:
    space = SearchSpace(batch_size=(4, 8), epochs=(1, 2), pooling=("cls",))
    found = searched(space=space)
    params = default_params(tuple(found.values()), resolve(FinetuneSettings(), MINILM)[0])
    assert (params["batch_size"], params["epochs"], params["pooling"]) == (8, 2, "cls")


def test_a_starting_point_takes_the_defaults_for_the_rest() -> None:
    found = tuple(searched().values())
    defaults = default_params(found, resolve(FinetuneSettings(), MINILM)[0])
    start = start_params(found, StartingPoint(weight_decay=0.05), defaults)
    assert start == {**defaults, "weight_decay": 0.05}
    with pytest.raises(RecipeError, match=r"learning_rate is 0\.5, outside of what is searched"):
        start_params(found, StartingPoint(learning_rate=0.5), defaults)
    with pytest.raises(RecipeError, match="temperature, which is not searched"):
        start_params(found, StartingPoint(temperature=2), defaults)


@given(
    rate=st.floats(1e-6, 0.09),
    factor=st.floats(1, 1000),
    decay=st.floats(1e-6, 0.5),
    dropout=st.floats(0, 0.9),
)
def test_any_drawn_values_are_settings(rate: float, factor: float, decay: float, dropout: float) -> None:
    params = {"learning_rate": rate, "head_factor": factor, "weight_decay": decay, "dropout": dropout}
    settings = settings_of(params, FinetuneSettings())
    assert settings.learning_rate == pytest.approx(rate, rel=0.006)
    assert settings.head_learning_rate == pytest.approx(min(rate * factor, 0.1), rel=0.011)
    assert settings_of(params, FinetuneSettings()) == settings


@pytest.mark.parametrize(
    "space",
    [
        {"epochs": [5, 2]},
        {"learning_rate": [0, 1e-3]},
        {"batch_size": []},
        {"batch_size": [8, 8]},
        {"head": ["deep"]},
        {"dropout": [0.1]},
        {"layers": [1, 2]},
    ],
)
def test_a_space_that_makes_no_sense_is_refused(space: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SearchSettings.model_validate({"space": space})
