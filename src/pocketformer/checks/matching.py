"""Finding PyTorch's values among the tensors of a file by their numbers: a file keeps no names of layers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations

import numpy as np

__all__ = ["NO_MATCH", "Match", "best_matches", "variation"]

_CLOSEST = 3  # candidates by the quick distance that are measured exactly


@dataclass(frozen=True, slots=True)
class Match:
    """The tensor of a file that comes nearest to a value.

    Attributes:
        name: The file's own name of it.
        error: Norm of the difference, over the norm of how the value varies along its last axis: a softmax
            over many places is nearly the same whatever is wrong, its variation is not.
    """

    name: str
    error: float


#: Stands for a value of whose size a file has no tensor.
NO_MATCH = Match("", math.inf)


def best_matches(
    values: Mapping[int, np.ndarray],
    tensors: Sequence[tuple[str, np.ndarray]],
    length: int,
    tokens: int,
    scales: Sequence[float] = (1.0,),
) -> dict[int, Match]:
    """Return the best match of each value that varies at all and has a tensor of its size.

    Args:
        values: PyTorch's, by any number, for `tokens` tokens.
        tensors: The file's, by name, for `length` tokens of which the first `tokens` are real.
        length: Tokens of the signature that was run.
        tokens: Real tokens.
        scales: What a file may have multiplied a value by: converters move the scale of attention.
    """
    by_shape: dict[tuple[int, ...], list[int]] = {}
    for number, value in values.items():
        if variation(value) > 0:
            by_shape.setdefault(_squeezed(value.shape), []).append(number)
    found: dict[int, Match] = {}
    for shape, numbers in by_shape.items():
        names, rows = [], []
        for name, tensor in tensors:
            for layout in _layouts(tensor, shape, length, tokens):
                names.append(name)
                rows.append(layout.reshape(-1))
        if rows:
            found |= _nearest({number: values[number] for number in numbers}, names, np.stack(rows), scales)
    return found


def _nearest(
    values: Mapping[int, np.ndarray], names: Sequence[str], rows: np.ndarray, scales: Sequence[float]
) -> dict[int, Match]:
    """Return the best of `rows` [tensors, elements] for each value of so many elements."""
    squares = np.einsum("ij,ij->i", rows, rows, dtype=np.float64)
    found: dict[int, Match] = {}
    for number, value in values.items():
        flat = value.reshape(-1).astype(np.float64)
        products = (rows @ value.reshape(-1)).astype(np.float64)
        size = variation(value)
        for scale in scales:
            # The quick distance is good to four digits, which is enough to choose by.
            distances = np.nan_to_num(squares - 2 * scale * products + scale**2 * flat @ flat, nan=np.inf)
            for place in np.argsort(distances)[:_CLOSEST]:
                error = float(np.linalg.norm(rows[place] / scale - flat)) / size
                if not math.isnan(error) and error < found.get(number, NO_MATCH).error:
                    found[number] = Match(names[place], error)
    return found


def variation(value: np.ndarray) -> float:
    """Return the norm of a value after its mean along the last axis is taken away."""
    if value.ndim == 0:
        return 0.0
    centred = value - value.mean(axis=-1, keepdims=True, dtype=np.float64)
    size = float(np.linalg.norm(centred))
    # What is left of equal numbers is rounding.
    return size if size > 1e-6 * float(np.linalg.norm(value)) else 0.0


def _layouts(tensor: np.ndarray, shape: tuple[int, ...], length: int, tokens: int) -> Iterator[np.ndarray]:
    """Yield the ways to read a tensor as one of `shape`.

    Padding is cut off, axes of size one are dropped or put in, axes exchanged as converters do it for the
    heads of attention, and neighbouring axes joined or split.
    """
    tensor = tensor.reshape(_squeezed(tensor.shape))
    for part in _without_padding(tensor, length, tokens):
        if part.size != np.prod(shape, dtype=int):
            continue
        if sorted(part.shape) != sorted(shape):
            yield part.reshape(shape)
            continue
        for axes in permutations(range(part.ndim)):
            if tuple(part.shape[axis] for axis in axes) == shape:
                yield part.transpose(axes)


def _without_padding(tensor: np.ndarray, length: int, tokens: int) -> Iterator[np.ndarray]:
    """Yield a tensor cut to its real tokens along any of the axes that could count tokens."""
    if length == tokens:
        yield tensor
        return
    counting = [axis for axis, size in enumerate(tensor.shape) if size == length]
    for chosen in (some for count in range(len(counting) + 1) for some in combinations(counting, count)):
        yield tensor[tuple(slice(tokens if axis in chosen else None) for axis in range(tensor.ndim))]


def _squeezed(shape: Sequence[int]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)
