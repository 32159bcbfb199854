"""Where the weights of a program stand in its converted file, found by what stood for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from pocketformer.targets.litert.layouts import HOLDERS, laid_out, row_axis
from pocketformer.targets.litert.stand_ins import StandIn

__all__ = ["Place", "Site", "find_places", "held_constants"]

_PROBED = 64  # elements looked at on either end of a stored matrix
_EQUAL = 1e-5  # relative: a product of float32 numbers, and not another matrix

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Site:
    """One tensor of a file that holds a weight: of which graph, read by which builtin operation."""

    graph: int
    tensor: int
    operator: int


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where one weight stands.

    Attributes:
        weight: Whose.
        factor: What the converter multiplied into it: one number, or one for each row. Attention, for
            example, divides its scores by a root, which goes into the query's and the key's weights.
        sites: The tensors, one or more in each graph.
    """

    weight: StandIn
    factor: Floats
    sites: tuple[Site, ...]


def find_places(path: Path, weights: Sequence[StandIn]) -> tuple[Place, ...]:
    """Return the places of weights in a file that was converted with stand-ins.

    A weight that the converter left out, or changed in another way than by a factor, has no place.
    """
    content = np.memmap(path, np.uint8, "r")
    model = schema.Model.GetRootAs(content, 0)
    repeated: dict[float, list[Site]] = {}
    found: dict[StandIn, tuple[Floats, list[Site]]] = {}
    known: dict[tuple[int, int], tuple[StandIn, Floats] | None] = {}  # graphs share what lies in a file
    for site, values in held_constants(model):
        number = _repeated(values)
        if number is not None:
            repeated.setdefault(number, []).append(site)
            continue
        key = values.ctypes.data, site.operator
        if key not in known:
            known[key] = _made_of(values, site.operator, weights)
        if (made := known[key]) is not None:
            found.setdefault(made[0], (made[1], []))[1].append(site)
    numbers = _numbers(repeated, [one for one in weights if one.repeated])
    places = [Place(one, factor, tuple(sites)) for one, (factor, sites) in found.items()]
    places += [Place(one, factor, tuple(repeated[number])) for number, (one, factor) in numbers.items()]
    return tuple(sorted(places, key=lambda place: place.weight.seed))


def held_constants(model: Any) -> Iterator[tuple[Site, Floats]]:
    """Go through the float32 constants that are read as weights, and as nothing else."""
    for number, graph in enumerate(model.Subgraphs(index) for index in range(model.SubgraphsLength())):
        held: dict[tuple[int, int], None] = {}
        other: set[int] = set()
        for operator in (graph.Operators(index) for index in range(graph.OperatorsLength())):
            code = model.OperatorCodes(operator.OpcodeIndex())
            builtin = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
            for position in range(operator.InputsLength()):
                if position == HOLDERS.get(builtin):
                    held[operator.Inputs(position), builtin] = None
                else:
                    other.add(operator.Inputs(position))
        for index, builtin in held:
            values = _floats(model, graph.Tensors(index))
            if values is not None and index not in other:
                yield Site(number, index, builtin), values


def _floats(model: Any, tensor: Any) -> Floats | None:
    """Return a constant's float32 values as they lie in the file; None for anything else."""
    buffer = model.Buffers(tensor.Buffer())
    if tensor.Type() != schema.TensorType.FLOAT32 or not buffer.DataLength():
        return None
    values: Floats = buffer.DataAsNumpy().view(np.float32)
    return values.reshape([int(tensor.Shape(axis)) for axis in range(tensor.ShapeLength())])


def _repeated(values: Floats) -> float | None:
    """Return the number that a constant repeats, from both its ends; None where it holds several, or one."""
    if values.size < 2:
        return None
    ends = np.concatenate([values.reshape(-1)[:_PROBED], values.reshape(-1)[-_PROBED:]])
    return float(ends[0]) if (ends == ends[0]).all() else None


def _numbers(
    repeated: Mapping[float, Sequence[Site]], weights: Sequence[StandIn]
) -> dict[float, tuple[StandIn, Floats]]:
    """Return which weight each repeated number of a file stands for, and the factor between them.

    Weights that are missing are looked for behind one common factor.
    """
    by_number = {one.number: one for one in weights}
    missing, scaled = sorted(by_number.keys() - repeated.keys()), sorted(repeated.keys() - by_number.keys())
    numbers = {number: (by_number[number], np.float32(1)) for number in repeated.keys() & by_number.keys()}
    factor = _common_factor(missing, scaled)
    if factor is not None:
        pairs = zip(missing, scaled, strict=True)
        numbers |= {product: (by_number[number], factor) for number, product in pairs}
    return {number: (one, np.asarray(factor)) for number, (one, factor) in numbers.items()}


def _common_factor(numbers: Sequence[float], products: Sequence[float]) -> np.float32 | None:
    """Return the float32 that takes each number to its product, in order; None if there is none."""
    if not numbers or len(numbers) != len(products):
        return None
    before, after = np.array(numbers, np.float32), np.array(products, np.float32)
    return _exact_factor(before, after, np.float32(np.mean(np.array(products) / np.array(numbers))))


def _exact_factor(before: Floats, after: Floats, guess: np.float32) -> np.float32 | None:
    """Return the float32 next to a guess, or the guess, that takes all numbers to others."""
    for factor in (guess, np.nextafter(guess, np.float32(0)), np.nextafter(guess, np.float32(np.inf))):
        if (before * factor == after).all():
            return np.float32(factor)
    return None


def _made_of(values: Floats, operator: int, weights: Sequence[StandIn]) -> tuple[StandIn, Floats] | None:
    """Return the weight whose noise, times a factor, the values of a file are; None if there is none."""
    for one in weights:
        factor = None if one.repeated else _factor_of(one, values, operator)
        if factor is not None:
            return one, factor
    return None


def _factor_of(one: StandIn, values: Floats, operator: int) -> Floats | None:
    """Return what noise was multiplied by to be the values of a file: one number, or one for each row."""
    if values.size != one.weight.numel():
        return None
    noise = laid_out(one.noise(one.weight.shape), operator, values.shape)
    if noise is None:
        return None
    axis = row_axis(operator)
    rows = [np.moveaxis(array, axis, 0).reshape(array.shape[axis], -1) for array in (values, noise)]
    after, before = (array.astype(np.float64) for array in rows)
    factors = (after * before).sum(1) / np.square(before).sum(1)
    if not (np.abs(after - before * factors[:, None]) <= _EQUAL * np.abs(after).max(1, keepdims=True)).all():
        return None
    common = _exact_factor(rows[1], rows[0], np.float32(factors[0]))
    return factors.astype(np.float32) if common is None else np.asarray(common)
