"""Slices, gathers, scatters, reshapes and pads of any shape, against the plainest loop that says the same."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch.nn import functional as F

from pocketformer.targets.coreml.evaluator.operations import KERNELS

SHAPES = hnp.array_shapes(min_dims=1, max_dims=4, max_side=5)


def call(operation: str, *arguments: Any, **settings: Any) -> Any:
    return KERNELS[operation].function(*arguments, **settings)


def numbered(shape: tuple[int, ...]) -> np.ndarray:
    """Return an array in which every number is another one."""
    return np.arange(math.prod(shape), dtype=np.int32).reshape(shape)


@given(st.data(), SHAPES)
def test_slices(data: st.DataObject, shape: tuple[int, ...]) -> None:
    x = numbered(shape)
    per_axis = [
        (
            data.draw(st.integers(-size - 2, size + 2)),
            data.draw(st.integers(-size - 2, size + 2)),
            data.draw(st.sampled_from([1, 2, 3, -1, -2])),
            data.draw(st.booleans()),
            data.draw(st.booleans()),
        )
        for size in shape
    ]
    begin, end, stride, from_start, to_end = zip(*per_axis, strict=True)
    part = call("slice_by_index", x, begin, end, stride, from_start, to_end)
    places = [
        list(range(size))[None if open_ else first : None if close else last : step]
        for size, (first, last, step, open_, close) in zip(shape, per_axis, strict=True)
    ]
    np.testing.assert_array_equal(part, x[np.ix_(*places)])
    torch.from_numpy(part)  # which takes no negative strides

    update = -1 - numbered(part.shape)
    changed = call("slice_update", x, update, begin, end, stride, from_start, to_end)
    expected = x.copy()
    for place, target in zip(np.ndindex(*part.shape), itertools.product(*places), strict=True):
        expected[target] = update[place]
    np.testing.assert_array_equal(changed, expected)
    np.testing.assert_array_equal(x, numbered(shape))


@given(st.data(), SHAPES)
def test_slices_by_size(data: st.DataObject, shape: tuple[int, ...]) -> None:
    x = numbered(shape)
    begin = tuple(data.draw(st.integers(0, size - 1)) for size in shape)
    size = tuple(data.draw(st.integers(-1, whole - first)) for whole, first in zip(shape, begin, strict=True))
    part = x
    for axis, (first, count) in enumerate(zip(begin, size, strict=True)):
        part = part.take(range(first, shape[axis] if count == -1 else first + count), axis)
    np.testing.assert_array_equal(call("slice_by_size", x, begin, size), part)


@given(st.data(), SHAPES)
def test_gather(data: st.DataObject, shape: tuple[int, ...]) -> None:
    x, axis = numbered(shape), data.draw(st.integers(-len(shape), len(shape) - 1))
    places = hnp.array_shapes(min_dims=0, max_dims=2, max_side=3)
    indices = data.draw(hnp.arrays(np.int32, places, elements=st.integers(-shape[axis], shape[axis] - 1)))
    gathered = call("gather", x, indices, axis)
    rows = [x.take(int(index), axis) for index in indices.reshape(-1)]
    at = axis % x.ndim
    expected = np.stack(rows, at).reshape((*shape[:at], *indices.shape, *shape[at + 1 :]))
    np.testing.assert_array_equal(gathered, expected)


@given(st.data(), SHAPES)
def test_gather_and_scatter_along_an_axis(data: st.DataObject, shape: tuple[int, ...]) -> None:
    x, axis = numbered(shape), data.draw(st.integers(-len(shape), len(shape) - 1))
    count = data.draw(st.integers(1, 4))
    wanted = tuple(count if place == axis % x.ndim else size for place, size in enumerate(shape))
    indices = data.draw(hnp.arrays(np.int32, wanted, elements=st.integers(-shape[axis], shape[axis] - 1)))
    gathered, added = call("gather_along_axis", x, indices, axis), x.copy()
    for place in np.ndindex(*wanted):
        target = [*place]
        target[axis] = int(indices[place])
        assert gathered[place] == x[tuple(target)]
        added[tuple(target)] += 1000
    updates = np.full(wanted, 1000, np.int32)
    np.testing.assert_array_equal(call("scatter_along_axis", x, indices, updates, axis, "add"), added)


@given(st.data(), SHAPES)
def test_gather_and_scatter_by_places(data: st.DataObject, shape: tuple[int, ...]) -> None:
    x, depth = numbered(shape), data.draw(st.integers(1, len(shape)))
    count = data.draw(st.integers(0, 4))
    ranges = [st.integers(-size, size - 1) for size in shape[:depth]]
    indices = np.stack([data.draw(hnp.arrays(np.int32, count, elements=one)) for one in ranges], -1)
    gathered, added = call("gather_nd", x, indices), x.copy()
    for row, place in enumerate(indices.tolist()):
        np.testing.assert_array_equal(gathered[row], x[tuple(place)])
        added[tuple(place)] += row + 1
    updates = np.ones((count, *shape[depth:]), np.int32)
    updates *= np.arange(1, count + 1, dtype=np.int32).reshape(-1, *[1] * (x.ndim - depth))
    np.testing.assert_array_equal(call("scatter_nd", x, indices, updates, "add"), added)


@given(st.data(), SHAPES)
def test_gather_in_batches(data: st.DataObject, shape: tuple[int, ...]) -> None:
    shape = (2, 3, *shape)
    x, batch = numbered(shape), data.draw(st.integers(0, 2))
    axis = data.draw(st.integers(batch, len(shape) - 1))
    inner = data.draw(hnp.array_shapes(min_dims=1, max_dims=2, max_side=3))
    indices = data.draw(
        hnp.arrays(np.int32, (*shape[:batch], *inner), elements=st.integers(0, shape[axis] - 1))
    )
    gathered = call("gather", x, indices, axis, batch)
    for place in np.ndindex(*shape[:batch]):
        np.testing.assert_array_equal(gathered[place], x[place].take(indices[place], axis - batch))


@given(st.data(), hnp.array_shapes(min_dims=1, max_dims=3, max_side=4))
def test_reshape(data: st.DataObject, shape: tuple[int, ...]) -> None:
    x = numbered(shape)
    wanted = list(data.draw(st.permutations(shape)))
    expected = tuple(wanted)
    if data.draw(st.booleans()):
        wanted[data.draw(st.integers(0, len(shape) - 1))] = -1
    for place, size in enumerate(shape):
        if wanted[place] == size and data.draw(st.booleans()):
            wanted[place] = 0
    np.testing.assert_array_equal(call("reshape", x, tuple(wanted)), x.reshape(expected))


@given(st.data(), SHAPES, st.integers(0, 3))
def test_pad(data: st.DataObject, shape: tuple[int, ...], axes: int) -> None:
    x = numbered(shape).astype(np.float32)
    sizes = [data.draw(st.integers(0, 3)) for _ in range(2 * min(axes, len(shape)))]
    backwards = [size for pair in zip(sizes[-2::-2], sizes[-1::-2], strict=True) for size in pair]
    expected = F.pad(torch.from_numpy(x), backwards, value=-1.5) if sizes else torch.from_numpy(x)
    padded = call("pad", x, tuple(sizes), "constant", np.float32(-1.5))
    np.testing.assert_array_equal(padded, expected.numpy())


@pytest.mark.parametrize("operation", ["slice_by_index", "slice_by_size"])
def test_a_place_outside_is_an_error(operation: str) -> None:
    x = numbered((4,))
    with pytest.raises(IndexError, match="of an axis of 4"):
        if operation == "slice_by_size":
            call(operation, x, (3,), (2,))
        else:
            call(operation, x, (4,), (5,), None, None, None, (True,))
