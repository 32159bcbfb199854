"""The weights of a package as its bytes have them: which layer, which format, how many bytes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pocketformer.plan import WeightFormat
from pocketformer.targets.contract import WeightCard
from pocketformer.targets.coreml.evaluator.values import decode
from pocketformer.targets.coreml.layers import identifier
from pocketformer.targets.coreml.package import Package, block_of, immediate_bytes, operations_in
from pocketformer.targets.coreml.protobuf import program_messages

__all__ = ["LAYERS_KEY", "StoredWeight", "stored_weights", "weight_cards", "weight_names"]

#: In a package's metadata: the names of the layers that a plan speaks of.
LAYERS_KEY = "layers"

# Operation → its inputs of weights.
_WEIGHTS = {
    "linear": ("weight",), "conv": ("weight",), "gather": ("x",), "matmul": ("x", "y"),
    "conv_transpose": ("weight",),
}  # fmt: skip
_WIDE = "_float32"


@dataclass(frozen=True, slots=True)
class StoredWeight:
    """One weight of one function.

    Attributes:
        layer: Its name; "" where the file does not tell.
        shape: Of the weight.
        format: Name of a `WeightFormat`; of another way to store numbers, the operation that expands it.
        half: Whether its arithmetic is float16.
        places: Where its parts lie: file and offset → bytes; those inside of the program under "".
    """

    layer: str
    shape: tuple[int, ...]
    format: str
    half: bool
    places: Mapping[tuple[str, int], int]


def weight_names(layers: Sequence[str]) -> dict[str, str]:
    """Return the name that a layer's weight has inside a package, by layer.

    Args:
        layers: Names; two that a package could not tell apart are numbered.
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for layer in layers:
        name = base = f"{identifier(layer) or 'model'}__weight"
        number = 1
        while name in taken:
            name, number = f"{base}_{number}", number + 1
        taken.add(name)
        found[layer] = name
    return found


def weight_cards(packages: Sequence[Package], layers: Sequence[str]) -> tuple[WeightCard, ...]:
    """Return the cards of all weights, each once; of layers in their order, then those without a name."""
    seen: dict[tuple[Any, ...], StoredWeight] = {}
    for package in packages:
        for stored in stored_weights(package, layers):
            key = (stored.layer, stored.format) if stored.layer else (package.path, *stored.places)
            seen.setdefault(key, stored)
    order = {layer: place for place, layer in enumerate(layers)}
    found = sorted(seen.values(), key=lambda one: order.get(one.layer, len(order)))
    return tuple(WeightCard(one.layer, one.format, sum(one.places.values())) for one in found)


def stored_weights(package: Package, layers: Sequence[str]) -> Iterator[StoredWeight]:
    """Go through the weights of each function: those of layers, and all large ones that are read as such."""
    known = {name: layer for layer, name in weight_names(layers).items()}
    known |= {name + _WIDE: layer for name, layer in known.items()}
    for function in package.functions.values():
        operations = [one for one in operations_in(block_of(function)) if one.outputs]
        made = {one.outputs[0].name: one for one in operations}
        read = {name for one in operations for name in _weights_of(one)}
        for name, operation in made.items():
            if operation.type != "const" and not operation.type.startswith("constexpr_"):
                continue
            if name in known or (name in read and _is_matrix(operation)):
                yield _stored(package, known.get(name, ""), operation, made)


def _weights_of(operation: Any) -> Iterator[str]:
    for parameter in _WEIGHTS.get(operation.type, ()):
        if parameter in operation.inputs:
            yield from (binding.name for binding in operation.inputs[parameter].arguments)


def _is_matrix(operation: Any) -> bool:
    tensor = operation.outputs[0].type.tensorType
    return _dtype(tensor) in ("float16", "float32") and len(_shape(tensor)) > 1


def _stored(package: Package, layer: str, operation: Any, made: Mapping[str, Any]) -> StoredWeight:
    parts = _Parts(package, operation, made)
    reader = _READERS.get(operation.type)
    found = None if reader is None else reader(parts)
    half = _dtype(operation.outputs[0].type.tensorType) == "float16"
    form = operation.type.removeprefix("constexpr_") if found is None else str(found)
    return StoredWeight(layer, parts.shape, form, half, parts.places())


class _Parts:
    """The constants that a weight is made of, in either release's way of writing them."""

    def __init__(self, package: Package, operation: Any, made: Mapping[str, Any]) -> None:
        self._package = package
        self.shape = _shape(operation.outputs[0].type.tensorType)
        self._given = {name: value for name, value in operation.attributes.items() if name != "name"}
        self.inner: dict[str, _Parts] = {}
        for name, argument in operation.inputs.items():
            (binding,) = argument.arguments
            if binding.WhichOneof("binding") == "value":
                self._given[name] = binding.value
            elif binding.name in made:
                self.inner[name] = _Parts(package, made[binding.name], made)

    def names(self) -> set[str]:
        """Return the names of the parts that are constants themselves."""
        return set(self._given)

    def sizes(self, name: str) -> tuple[int, ...]:
        """Return the shape of a part."""
        return _shape(self._given[name].type.tensorType)

    def dtype(self, name: str) -> str:
        """Return the dtype of a part as the program names it."""
        return _dtype(self._given[name].type.tensorType)

    def numbers(self, name: str) -> np.ndarray:
        """Return the numbers of a part."""
        return np.asarray(decode(self._given[name], self._package.weights))

    def places(self) -> dict[tuple[str, int], int]:
        """Return where the parts lie: file and offset → bytes; those inside of the program under ""."""
        found: dict[tuple[str, int], int] = {}
        for value in self._given.values():
            if value.WhichOneof("value") == "blobFileValue":
                place = value.blobFileValue.fileName, value.blobFileValue.offset
                found[place] = self._package.weights.blob(*place).size_bytes
            else:
                found["", id(value)] = immediate_bytes(value.type.tensorType)[1]
        for part in self.inner.values():
            found |= part.places()
        return found


def _floats(parts: _Parts) -> WeightFormat:
    name = "val" if "val" in parts.names() else "source_val"
    return WeightFormat("float", 16 if parts.dtype(name) == "float16" else 32)


def _affine(parts: _Parts) -> WeightFormat | None:
    return WeightFormat("integer", 8) if parts.dtype("quantized_data") in ("int8", "uint8") else None


def _scaled(parts: _Parts) -> WeightFormat | None:
    """Return the format of codes and scales, the codes being stored as they are, or as places in a table."""
    if "scale" not in parts.names():
        return None
    if "data" in parts.inner:
        bits = _bits_of_table(parts.inner["data"])
    else:
        bits = {"int8": 8, "uint8": 8, "int4": 4, "uint4": 4}.get(parts.dtype("data"))
    scales = parts.sizes("scale")
    blocks = math.prod(scales[1:])
    columns = math.prod(parts.shape[1:])
    return None if bits is None else WeightFormat("integer", bits, columns // blocks if blocks > 1 else 0)


def _bits_of_table(table: _Parts) -> int | None:
    """Return the bits of the codes in a table; None where they are no whole numbers."""
    values = table.numbers("lut").astype(np.float64) if "lut" in table.names() else np.array([0.5])
    if not np.array_equal(values, np.rint(values)):
        return None
    return int(np.abs(values).max()).bit_length() + 1


def _table(parts: _Parts) -> WeightFormat | None:
    if "lut" not in parts.names():  # a table that is itself expanded
        return None
    sizes = parts.sizes("lut")
    if "shape" in parts.names():  # as iOS 16 has it: one table
        return WeightFormat("palette", round(math.log2(sizes[0])))
    groups, others, (values, vector) = sizes[0], math.prod(sizes[1:-2]), sizes[-2:]
    if others > 1 or vector > 1:
        return None
    return WeightFormat("palette", round(math.log2(values)), parts.shape[0] // groups if groups > 1 else 0)


_READERS: dict[str, Callable[[_Parts], WeightFormat | None]] = {
    "const": _floats,
    "constexpr_cast": _floats,
    "constexpr_affine_dequantize": _affine,
    "constexpr_blockwise_shift_scale": _scaled,
    "constexpr_lut_to_dense": _table,
}


def _shape(tensor: Any) -> tuple[int, ...]:
    return tuple(int(dimension.constant.size) for dimension in tensor.dimensions)


def _dtype(tensor: Any) -> str:
    return str(program_messages().DataType.Name(tensor.dataType)).lower()
