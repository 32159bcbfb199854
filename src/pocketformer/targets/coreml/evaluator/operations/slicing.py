"""Slices: parts of a value, and values with a part replaced."""

from __future__ import annotations

from typing import TypeAlias

from pocketformer.targets.coreml.evaluator.registry import Array, Bools, Ints, operation

_Index: TypeAlias = tuple[slice | int, ...]


@operation("slice_by_index", exact=True)
def slice_by_index(
    x: Array,
    begin: Ints,
    end: Ints,
    stride: Ints | None = None,
    begin_mask: Bools | None = None,
    end_mask: Bools | None = None,
    squeeze_mask: Bools | None = None,
) -> Array:
    """Return x[begin:end:stride] per axis.

    A mask of `begin` or `end` means the axis's own end; one of `squeeze` takes one place and drops the axis.
    """
    part = x[_index(x, begin, end, stride, begin_mask, end_mask, squeeze_mask)]
    # Torch takes no negative strides.
    return part if stride is None or min(stride) > 0 else part.copy()


@operation("slice_by_size", exact=True)
def slice_by_size(x: Array, begin: Ints, size: Ints) -> Array:
    """Return `size` places from `begin` on per axis; a size of -1 goes to the end."""
    starts = [start + length if start < 0 else start for start, length in zip(begin, x.shape, strict=True)]
    stops = [
        length if count == -1 else start + count
        for start, count, length in zip(starts, size, x.shape, strict=True)
    ]
    _check_range(starts, stops, x.shape)
    return x[tuple(slice(start, stop) for start, stop in zip(starts, stops, strict=True))]


@operation("slice_update", exact=True)
def slice_update(
    x: Array,
    update: Array,
    begin: Ints,
    end: Ints,
    stride: Ints | None = None,
    begin_mask: Bools | None = None,
    end_mask: Bools | None = None,
    squeeze_mask: Bools | None = None,
) -> Array:
    """Return x with the part that `slice_by_index` would give replaced by `update`."""
    changed = x.copy()
    changed[_index(x, begin, end, stride, begin_mask, end_mask, squeeze_mask)] = update
    return changed


def _index(
    x: Array,
    begin: Ints,
    end: Ints,
    stride: Ints | None,
    begin_mask: Bools | None,
    end_mask: Bools | None,
    squeeze_mask: Bools | None,
) -> _Index:
    none = (False,) * x.ndim
    from_start, to_end, single = begin_mask or none, end_mask or none, squeeze_mask or none
    steps = stride or (1,) * x.ndim
    index: list[slice | int] = []
    for axis in range(x.ndim):
        first = None if from_start[axis] else begin[axis]
        if single[axis]:
            index.append(_place(first or 0, x.shape[axis]))
        else:
            index.append(slice(first, None if to_end[axis] else end[axis], steps[axis]))
    return tuple(index)


def _place(place: int, size: int) -> int:
    if not -size <= place < size:
        raise IndexError(f"takes place {place} of an axis of {size}")
    return place


def _check_range(starts: list[int], stops: list[int], shape: tuple[int, ...]) -> None:
    for start, stop, length in zip(starts, stops, shape, strict=True):
        if not 0 <= start <= stop <= length:
            raise IndexError(f"takes places {start} to {stop} of an axis of {length}")
