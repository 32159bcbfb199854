"""Pooling and head settings."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pocketformer.checkpoint import HeadSettings
from pocketformer.checkpoint.head import ClassificationHead, mean_pool
from pocketformer.errors import CheckpointError


@given(st.integers(1, 3), st.integers(1, 9), st.integers(0, 2**16))
def test_mean_pooling_is_the_mean_over_tokens(batch: int, length: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    states = random.normal(size=(batch, length, 4)).astype(np.float32)
    mask = random.integers(0, 2, size=(batch, length))
    pooled = mean_pool(torch.from_numpy(states), torch.from_numpy(mask)).numpy()
    for row in range(batch):
        kept = states[row][mask[row] == 1]
        expected = kept.mean(axis=0) if len(kept) else np.zeros(4)
        np.testing.assert_allclose(pooled[row], expected, atol=1e-5)


def test_mean_pooling_stays_finite_in_float16() -> None:
    states = torch.full((2, 512, 3), 6e4, dtype=torch.float16)
    mask = torch.ones(2, 512, dtype=torch.int64)
    mask[1] = 0
    pooled = mean_pool(states, mask)
    assert pooled.dtype == torch.float16
    assert torch.isfinite(pooled).all()
    assert pooled[0].allclose(states[0, 0], rtol=0.01)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"kind": "three-layer"}, "'three-layer'"),
        ({"pooling": "max"}, "'max'"),
        ({"activation": "swish"}, "'swish'"),
        ({"dropout": 1.5}, "1.5"),
        ({"hidden_size": 0}, "0"),
    ],
)
def test_a_setting_outside_the_allowed_ones_is_named(settings: dict[str, object], named: str) -> None:
    with pytest.raises(CheckpointError, match=named):
        HeadSettings(**settings)  # type: ignore[arg-type]


def test_unknown_setting_in_a_checkpoint_is_named() -> None:
    with pytest.raises(CheckpointError, match="gating"):
        HeadSettings.from_dict({"gating": True})


def test_two_layer_head_has_a_leaky_relu_between_its_layers() -> None:
    head = ClassificationHead(HeadSettings(kind="two-layer", hidden_size=5), 4, 3).eval()
    assert (head.hidden.out_features, head.output.in_features) == (5, 5)
    assert isinstance(head.activation, torch.nn.LeakyReLU)
    assert head.activation.negative_slope == 0.01
