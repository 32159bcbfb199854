"""Converting without carrying the weights: each is one repeated number until the file stands.

The converter holds a constant of one repeated number as that number, so a model of gigabytes is converted
in the memory of its graph. Each large matrix gets a number of its own, by which its place in the written
file is found again and filled with the true weights. Where the converter has done anything to a matrix but
store it or scale it, that number is not where it should be, and the weights are converted as they are.
"""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from ai_edge_litert import schema_py_generated as schema
from torch import nn

from pocketformer.program import ClampedEmbedding, Program

_LEAST_ELEMENTS = 1 << 16  # a smaller matrix costs the converter nothing
# Exact in float32 and different for every matrix, and no constant that a model would hold.
_FIRST, _STEP = 1 + 2.0**-13, 2.0**-12
_PROBED = 64  # elements looked at on either end of a stored matrix

_Operator = schema.BuiltinOperator
_HOLDERS = {_Operator.FULLY_CONNECTED: 1, _Operator.EMBEDDING_LOOKUP: 1}  # operation → its input of weights


# Number in a file → the number of its matrix, and the factor between them.
_Sources = dict[float, tuple[float, np.float32]]


class _Place(NamedTuple):
    """Where one number stands in a file: the shape of the tensor, and the offsets of its bytes."""

    shape: tuple[int, ...]
    offsets: set[int]


class StandIns:
    """The large matrices of a program while numbers stand for them."""

    def __init__(self, weights: dict[float, nn.Parameter], store: Path, least_elements: int) -> None:
        self._weights = weights
        self._least_elements = least_elements
        self._shapes = {number: tuple(weight.shape) for number, weight in weights.items()}
        self._store = store

    def release(self) -> None:
        """Give back the memory of the weights, once the converter has read them."""
        for weight in self._weights.values():
            weight.data = torch.empty(0)

    def restore(self) -> None:
        """Put the true weights back into the program.

        They are mapped from their files, which the system keeps for as long as they are: what nobody reads
        takes no memory.
        """
        for number, weight in self._weights.items():
            weight.data = torch.from_numpy(self._stored(number))

    def fill(self, path: Path) -> bool:
        """Write the true weights into a converted file, where their numbers stand.

        Returns:
            Whether each matrix was found, whole or scaled; otherwise the file is of no use.
        """
        places = _places(path, self._least_elements)
        sources = None if places is None else _sources(places, self._shapes)
        if places is None or sources is None:
            return False
        with path.open("r+b") as stream:
            for number, (source, factor) in sources.items():
                content = self._stored(source) * factor
                for offset in places[number].offsets:
                    stream.seek(offset)
                    content.tofile(stream)
        return True

    def _stored(self, number: float) -> np.ndarray:
        return np.memmap(_file(self._store, number), np.float32, "c", shape=self._shapes[number])


@contextmanager
def stand_ins(program: Program, least_elements: int = _LEAST_ELEMENTS) -> Iterator[StandIns]:
    """Let numbers stand for the large matrices of a program, for as long as the block runs.

    Args:
        program: Its `Linear` and word embedding weights of at least `least_elements` are replaced;
            on leaving the block they are what they were.
        least_elements: Smaller matrices stay.
    """
    weights = {
        _FIRST + place * _STEP: weight
        for place, weight in enumerate(_large_matrices(program, least_elements))
    }
    with tempfile.TemporaryDirectory() as folder:
        for number, weight in weights.items():
            weight.detach().numpy().tofile(_file(Path(folder), number))
            weight.data = _repeated_number(number, weight.shape)
        replaced = StandIns(weights, Path(folder), least_elements)
        try:
            yield replaced
        finally:
            replaced.restore()


def _repeated_number(number: float, shape: torch.Size) -> torch.Tensor:
    """Return a float32 matrix of one number, in memory of its own.

    Another format may keep the tensor that the weight was. Mapped memory goes back to the system at once
    when it is let go of, which that of ordinary tensors of this size does not.
    """
    memory = mmap.mmap(-1, shape.numel() * 4)
    return torch.frombuffer(memory, dtype=torch.float32).reshape(shape).fill_(number)


def _file(folder: Path, number: float) -> Path:
    return folder / number.hex()


def _large_matrices(program: Program, least_elements: int) -> list[nn.Parameter]:
    found: dict[int, nn.Parameter] = {}
    for signature in program.signatures:
        for module in signature.module.modules():
            if isinstance(module, nn.Linear | ClampedEmbedding):
                weight = module.weight
                assert isinstance(weight, nn.Parameter)
                if weight.numel() >= least_elements and weight.dtype == torch.float32:
                    found.setdefault(id(weight), weight)
    return list(found.values())


def _places(path: Path, least_elements: int) -> dict[float, _Place] | None:
    """Return where in a file each repeated number stands as weights; None if one stands elsewhere as well."""
    content = np.memmap(path, np.uint8, "r")
    start = content.ctypes.data
    model = schema.Model.GetRootAs(content, 0)
    places: dict[float, _Place] = {}
    elsewhere: set[float] = set()
    for graph in (model.Subgraphs(index) for index in range(model.SubgraphsLength())):
        held = _held_matrices(model, graph)
        for index in range(graph.TensorsLength()):
            tensor = graph.Tensors(index)
            data = _floats(model, tensor)
            number = None if data is None or data.size < least_elements else _repeated(data)
            if data is None or number is None:
                continue
            shape = tuple(int(tensor.Shape(axis)) for axis in range(tensor.ShapeLength()))
            place = places.setdefault(number, _Place(shape, set()))
            if index in held and place.shape == shape:
                place.offsets.add(data.ctypes.data - start)
            else:
                elsewhere.add(number)
    return None if elsewhere & {number for number, place in places.items() if place.offsets} else places


def _sources(places: Mapping[float, _Place], shapes: Mapping[float, tuple[int, ...]]) -> _Sources | None:
    """Return which matrix each number of a file stands for, and by what it was multiplied; None if unclear.

    Attention divides its scores by a root, which converters multiply into the query's and key's weights: the
    matrices that are missing are looked for behind one common factor.
    """
    found = {number for number, place in places.items() if place.offsets}
    missing, scaled = sorted(shapes.keys() - found), sorted(found - shapes.keys())
    factor = _common_factor(missing, scaled)
    if factor is None:
        return None
    sources = {number: (number, np.float32(1)) for number in found & shapes.keys()}
    sources |= {product: (number, factor) for number, product in zip(missing, scaled, strict=True)}
    same = all(places[number].shape == shapes[source] for number, (source, _) in sources.items())
    return sources if same else None


def _common_factor(numbers: Sequence[float], products: Sequence[float]) -> np.float32 | None:
    """Return the float32 that takes each number to its product, in order; None if there is none."""
    if len(numbers) != len(products):
        return None
    if not numbers:
        return np.float32(1)
    before, after = np.array(numbers, np.float32), np.array(products, np.float32)
    guess = np.float32(np.mean(np.array(products) / np.array(numbers)))
    for factor in (guess, np.nextafter(guess, np.float32(0)), np.nextafter(guess, np.float32(np.inf))):
        if (before * factor == after).all():
            return np.float32(factor)
    return None


def _held_matrices(model: Any, graph: Any) -> set[int]:
    """Return the tensors of a graph that are read as weights, and as nothing else."""
    held: set[int] = set()
    other: set[int] = set()
    for operator in (graph.Operators(index) for index in range(graph.OperatorsLength())):
        code = model.OperatorCodes(operator.OpcodeIndex())
        place = _HOLDERS.get(max(code.BuiltinCode(), code.DeprecatedBuiltinCode()))
        for position in range(operator.InputsLength()):
            (held if position == place else other).add(operator.Inputs(position))
    return held - other


def _floats(model: Any, tensor: Any) -> np.ndarray | None:
    """Return a constant's float32 values as they lie in the file; None for anything else."""
    buffer = model.Buffers(tensor.Buffer())
    if tensor.Type() != schema.TensorType.FLOAT32 or not buffer.DataLength():
        return None
    values: np.ndarray = buffer.DataAsNumpy().view(np.float32)
    return values


def _repeated(values: np.ndarray) -> float | None:
    """Return the number that a constant repeats, from both its ends; None where it holds several."""
    ends = np.concatenate([values[:_PROBED], values[-_PROBED:]])
    return float(ends[0]) if (ends == ends[0]).all() else None
