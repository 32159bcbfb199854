"""Codes and scales: what is on the grid stays there, and any max-abs quantiser finds the same codes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pocketformer.errors import RecipeError
from pocketformer.plan import WeightFormat, decode, encode

_INTEGERS = ("int8", "int6", "int4", "int3", "int2", "int8-b32", "int4-b32", "int2-b8")
_PALETTES = ("palette1", "palette4", "palette4-g8", "palette8")


def weight(seed: int, spread: float = 0.05, rows: int = 16, columns: int = 64) -> torch.Tensor:
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed)) * spread


@pytest.mark.parametrize("name", _INTEGERS + _PALETTES)
@settings(max_examples=12)
@given(seed=st.integers(0, 10_000), spread=st.floats(1e-4, 1e3))
def test_a_weight_on_the_grid_stays_where_it_is(name: str, seed: int, spread: float) -> None:
    stored = WeightFormat.parse(name)
    once = decode(encode(weight(seed, spread), stored, clipped=True))
    for clipped in (True, False):
        assert torch.equal(decode(encode(once, stored, clipped=clipped)), once)


@pytest.mark.parametrize("name", _INTEGERS)
@settings(max_examples=12)
@given(seed=st.integers(0, 10_000))
def test_the_largest_magnitude_finds_the_same_codes(name: str, seed: int) -> None:
    stored = WeightFormat.parse(name)
    codes = encode(weight(seed), stored, clipped=True)
    blocks = decode(codes).numpy().reshape(16, -1, stored.size or 64)
    scales = np.abs(blocks).max(axis=2, keepdims=True) / np.float32(stored.highest)
    again = np.rint(blocks / scales).reshape(16, 64)
    assert np.array_equal(again, codes.values.numpy())
    assert np.array_equal(scales[..., 0], codes.scales.numpy())


@pytest.mark.parametrize("name", ["int4", "int3", "int2", "int4-b32"])
def test_clipping_lowers_the_squared_error(name: str) -> None:
    stored, matrix = WeightFormat.parse(name), weight(0)
    errors = [
        float((decode(encode(matrix, stored, clipped=clipped)) - matrix).square().sum())
        for clipped in (False, True)
    ]
    assert errors[1] < 0.97 * errors[0]


def test_more_bits_and_smaller_blocks_come_nearer() -> None:
    matrix = weight(1)
    errors = [
        float((decode(encode(matrix, WeightFormat.parse(name), clipped=True)) - matrix).norm())
        for name in ("int2", "int3", "int4", "int4-b32", "int6", "int8")
    ]
    assert errors == sorted(errors, reverse=True)


def test_int2_has_three_values() -> None:
    codes = encode(weight(2), WeightFormat.parse("int2"), clipped=True)
    assert set(codes.values.unique().tolist()) == {-1, 0, 1}


def test_a_palette_has_no_more_values_than_it_may_and_groups_of_their_own() -> None:
    matrix = weight(3)
    matrix[8:] *= 100
    whole = decode(encode(matrix, WeightFormat.parse("palette4")))
    grouped = decode(encode(matrix, WeightFormat.parse("palette4-g8")))
    assert len(whole.unique()) <= 16
    assert all(len(part.unique()) <= 16 for part in grouped.split(8))
    assert (grouped[:8] - matrix[:8]).norm() < 0.2 * (whole[:8] - matrix[:8]).norm()


def test_rows_of_zeros_stay_zero() -> None:
    matrix = torch.zeros(4, 32)
    for name in ("int8", "int4-b32", "palette4"):
        assert torch.equal(decode(encode(matrix, WeightFormat.parse(name))), matrix)


def test_scales_are_float16_numbers() -> None:
    scales = encode(weight(4), WeightFormat.parse("int4-b32"), clipped=True).scales
    assert torch.equal(scales, scales.half().float())


def test_kernels_have_a_scale_per_output_channel() -> None:
    kernel = weight(5, rows=6, columns=27).reshape(6, 3, 3, 3)
    codes = encode(kernel, WeightFormat.parse("int8"))
    assert codes.scales.shape == (6, 1)
    assert decode(codes).shape == kernel.shape


def test_a_weight_that_makes_no_whole_blocks_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"\[16, 60\] does not divide into int4-b32"):
        encode(weight(0, columns=60), WeightFormat.parse("int4-b32"))
