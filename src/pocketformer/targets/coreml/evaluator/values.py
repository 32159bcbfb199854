"""Types and constants as a program's messages state them, and how the evaluator carries them.

A float16 value is carried as a float32 array whose numbers are all float16's own: no operation has to
convert its inputs, and what an operation computes is rounded once (`round_to_half`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch

from pocketformer.errors import FileFormatError
from pocketformer.targets.contract import ANY
from pocketformer.targets.coreml.protobuf import program_messages
from pocketformer.targets.coreml.weights import Weights, unpack

#: What flows between operations: an array, or a string or dictionary of a class label.
Value: TypeAlias = Any

_NARROW = {"int4": 4, "uint1": 1, "uint2": 2, "uint3": 3, "uint4": 4, "uint6": 6}
_STORED: dict[str, np.dtype[Any]] = {
    **{name: np.dtype(np.int8 if name == "int4" else np.uint8) for name in _NARROW},
    **{
        name: np.dtype(name)
        for name in (
            "bool", "float16", "float32", "float64", "int8", "int16", "int32", "int64",
            "uint8", "uint16", "uint32", "uint64",
        )
    },
    "string": np.dtype(np.object_),
}  # fmt: skip
_SMALL = 512  # elements below which numpy converts to float16 faster than torch, whose calls cost more


@dataclass(frozen=True, slots=True)
class TensorType:
    """The declared type of a tensor: a dtype's name, and a shape with `ANY` where it varies."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def stored(self) -> np.dtype[Any]:
        """The numpy dtype of its numbers in a file, and in what goes in and comes out."""
        return _STORED[self.dtype]

    @property
    def carried(self) -> np.dtype[Any]:
        """The numpy dtype between operations."""
        return _STORED["float32"] if self.dtype == "float16" else self.stored

    @property
    def is_float(self) -> bool:
        """Whether its numbers are floating point."""
        return self.dtype.startswith("float")

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Whether an array of `shape` has this type's shape."""
        return len(shape) == len(self.shape) and all(
            declared in (ANY, size) for declared, size in zip(self.shape, shape, strict=True)
        )

    def __str__(self) -> str:
        """Dtype and shape, as in "float16 [1, ?, 384]"."""
        return f"{self.dtype} [{', '.join('?' if size == ANY else str(size) for size in self.shape)}]"


def tensor_type(message: Any) -> TensorType | None:
    """Return the type of a `ValueType` message, or None for a list, a dictionary or a state.

    Raises:
        FileFormatError: A dtype the evaluator does not know.
    """
    if message.WhichOneof("type") != "tensorType":
        return None
    tensor = message.tensorType
    names = program_messages().DataType
    known = tensor.dataType in names.values()
    dtype = names.Name(tensor.dataType).lower() if known else f"number {tensor.dataType}"
    if dtype not in _STORED:
        raise FileFormatError(
            f"The program has a tensor of the dtype {dtype}, which the evaluator does not run."
        )
    shape = tuple(
        one.constant.size if one.WhichOneof("dimension") == "constant" else ANY for one in tensor.dimensions
    )
    return TensorType(dtype, shape)


def decode(message: Any, weights: Weights) -> Value:
    """Return the constant of a `Value` message in its stored dtype.

    Raises:
        FileFormatError: The weight file is damaged, or the constant does not have its declared type.
    """
    declared = tensor_type(message.type)
    if declared is None:
        return _collection(message, weights)
    count = int(np.prod(declared.shape, dtype=np.int64))
    if message.WhichOneof("value") == "blobFileValue":
        file, offset = message.blobFileValue.fileName, message.blobFileValue.offset
        stored = weights.blob(file, offset).dtype
        if stored != declared.dtype:
            raise FileFormatError(
                f"The weight file has {stored} at byte {offset:,} where the program says {declared}. "
                "Export the package again."
            )
        return weights.read(file, offset, count).reshape(declared.shape)
    numbers = _immediate(message.immediateValue.tensor, declared, count)
    if declared.dtype == "string" and not declared.shape:
        return str(numbers[0])
    if numbers.size == 1 and count > 1:  # one number stands for all
        numbers = np.repeat(numbers, count)
    if numbers.size != count:
        raise FileFormatError(
            f"A constant declared {declared} has {numbers.size:,} numbers. Export the package again."
        )
    return numbers.reshape(declared.shape)


def carry(value: Value) -> Value:
    """Return a constant as it flows between operations."""
    if isinstance(value, np.ndarray) and value.dtype == np.float16:
        return torch.from_numpy(value).float().numpy()
    return value


def round_to_half(value: np.ndarray) -> np.ndarray:
    """Return a float32 array with every number rounded to the nearest of float16 (ties to even)."""
    if value.size < _SMALL:
        return value.astype(np.float16).astype(np.float32)
    rounded: np.ndarray = torch.from_numpy(value).half().float().numpy()
    return rounded


def _collection(message: Any, weights: Weights) -> Value:
    kind = message.type.WhichOneof("type")
    if kind == "listType":
        return [decode(one, weights) for one in message.immediateValue.list.values]
    if kind == "tupleType":
        return tuple(decode(one, weights) for one in message.immediateValue.tuple.values)
    raise FileFormatError(f"The program has a constant of the kind {kind}, which the evaluator does not run.")


def _immediate(tensor: Any, declared: TensorType, count: int) -> np.ndarray:
    kind = tensor.WhichOneof("value")
    if kind is None:
        return np.zeros(0, declared.stored)
    numbers = getattr(tensor, kind).values
    if kind != "bytes":
        return np.array(list(numbers) if kind == "strings" else numbers, declared.stored)
    if declared.dtype in _NARROW:
        return unpack(numbers, _NARROW[declared.dtype], count, signed=declared.dtype == "int4")
    return np.frombuffer(bytearray(numbers), declared.stored.newbyteorder("<"))
