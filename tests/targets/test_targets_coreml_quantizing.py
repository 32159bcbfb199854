"""Small integers and palettes: what comes back is as near as the format allows."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pocketformer.plan.palettes import palettes
from pocketformer.targets.coreml.quantizing import blocks_int4, rows_int8

matrices = arrays(np.float32, (4, 64), elements=st.floats(-100, 100, width=32))


@given(matrices)
def test_int8_is_within_half_a_step(matrix: np.ndarray) -> None:
    values, scales = rows_int8(matrix)
    assert np.abs(values.astype(int)).max() <= 127
    assert np.array_equal(scales, scales.astype(np.float16))
    # Rounding the scale to float16 may cost the largest numbers up to 127 · 2^-11 of a step, or the
    # smallest number of float16 where the whole row is next to nothing.
    step = scales[:, None]
    assert (np.abs(values * step - matrix) <= 0.57 * step + 127 * 2.0**-25).all()


@given(matrices)
def test_int4_is_never_worse_than_without_clipping(matrix: np.ndarray) -> None:
    values, scales = blocks_int4(matrix, 32)
    assert values.min() >= -8
    assert values.max() <= 7
    assert scales.shape == (4, 2)
    blocks = matrix.reshape(4, 2, 32)
    found = values.reshape(4, 2, 32) * scales[..., None]
    largest = np.take_along_axis(blocks, np.abs(blocks).argmax(axis=2, keepdims=True), axis=2)
    step = np.where(np.abs(largest) < 1e-6, 1, largest / -8)
    plain = np.clip(np.rint(blocks / step), -8, 7) * step
    error, plain_error = (np.sqrt(((one - blocks) ** 2).sum(axis=2)) for one in (found, plain))
    # Scales are stored as float16, and so off by 2^-11 of themselves, or 2^-25 near zero.
    rounding = np.sqrt(32) * (np.abs(largest[..., 0]) * 2.0**-11 + 8 * 2.0**-25)
    assert (error <= plain_error * 1.001 + 1.001 * rounding).all()


def test_palettes_fit_the_numbers_better_than_even_steps() -> None:
    numbers = np.random.default_rng(0).standard_t(5, (64, 96)).astype(np.float32)
    places, values = palettes(numbers, 1, 16)
    even = np.linspace(numbers.min(), numbers.max(), 16)
    nearest = even[np.abs(numbers[..., None] - even).argmin(axis=-1)]
    assert np.mean((values[0][places] - numbers) ** 2) < np.mean((nearest - numbers) ** 2) / 2
    grouped_places, grouped = palettes(numbers, 4, 16)
    found = np.stack(
        [table[rows] for table, rows in zip(grouped, grouped_places.reshape(4, 16, 96), strict=True)]
    )
    assert np.mean((found.reshape(64, 96) - numbers) ** 2) < np.mean((values[0][places] - numbers) ** 2)


@given(st.lists(st.floats(-8, 8, width=16), min_size=1, max_size=16, unique=True), st.integers(0, 99))
def test_weights_that_are_clustered_already_come_back_exactly(values: list[float], seed: int) -> None:
    numbers = np.random.default_rng(seed).choice(np.array(values, np.float32), (8, 40))
    places, tables = palettes(numbers, 1, 16)
    assert np.array_equal(tables[0][places], numbers)
