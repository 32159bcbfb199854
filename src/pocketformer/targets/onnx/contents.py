"""What stands in an ONNX file, by its own parts: opsets, graphs, operations, stored tensors, metadata."""

from __future__ import annotations

import math
import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pocketformer.errors import FileFormatError
from pocketformer.targets.contract import ANY, TensorCard
from pocketformer.targets.onnx.wire import BrokenMessageError, Message

# `TensorProto.DataType` of onnx.proto: numpy's name, and bits of an element.
_DTYPES: dict[int, tuple[str, int]] = {
    1: ("float32", 32), 2: ("uint8", 8), 3: ("int8", 8), 4: ("uint16", 16), 5: ("int16", 16),
    6: ("int32", 32), 7: ("int64", 64), 8: ("object", 0), 9: ("bool", 8), 10: ("float16", 16),
    11: ("float64", 64), 12: ("uint32", 32), 13: ("uint64", 64), 14: ("complex64", 64),
    15: ("complex128", 128), 16: ("bfloat16", 16), 17: ("float8_e4m3fn", 8), 18: ("float8_e4m3fnuz", 8),
    19: ("float8_e5m2", 8), 20: ("float8_e5m2fnuz", 8), 21: ("uint4", 4), 22: ("int4", 4),
    23: ("float4_e2m1", 4), 24: ("float8_e8m0", 8), 25: ("uint2", 2), 26: ("int2", 2),
}  # fmt: skip
_EXTERNAL = 1  # `TensorProto.DataLocation`


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor in a file: its shape and bytes, and whether they are the file's own."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    size_bytes: int
    external: bool


@dataclass(frozen=True, slots=True)
class Operation:
    """A node: what it does, of which domain, and what its attributes are called."""

    kind: str
    domain: str
    attributes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Contents:
    """An ONNX file without the content of its weights."""

    size_bytes: int
    ir_version: int
    opsets: dict[str, int]
    metadata: dict[str, str]
    inputs: tuple[TensorCard, ...]
    outputs: tuple[TensorCard, ...]
    operations: tuple[Operation, ...]
    tensors: tuple[StoredTensor, ...]
    defaults: frozenset[str]  # names of stored tensors of the outermost graph
    functions: frozenset[tuple[str, str]]  # (domain, name) of functions that the file brings along


def read_contents(path: Path) -> Contents:
    """Read an ONNX file, anybody's.

    Raises:
        FileFormatError: There is no such file, or it is no complete ONNX file.
    """
    if not path.is_file():
        kind = "is a directory" if path.is_dir() else "does not exist"
        raise FileFormatError(f"{path} {kind}; give the path of an .onnx file.")
    size_bytes = path.stat().st_size
    if size_bytes == 0:
        raise FileFormatError(f"{path} is empty; copy or export it again.")
    try:
        with path.open("rb") as stream:
            return _contents(
                Message(memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))), size_bytes
            )
    except BrokenMessageError as error:
        raise FileFormatError(
            f"{path} ({size_bytes:,} bytes) is no ONNX file, or it is cut short or damaged: {error}. "
            "Copy or export it again."
        ) from error


def _contents(model: Message, size_bytes: int) -> Contents:
    # ModelProto: 1 ir_version, 7 graph, 8 opset_import, 14 metadata_props, 25 functions
    if not (model.has(1) and model.has(7) and model.has(8)):
        raise BrokenMessageError("it holds no graph, or does not say its opset")
    graph = model.messages(7)[-1]
    functions = model.messages(25)
    nodes = [*_nodes(graph), *(node for function in functions for node in _nodes(function, 7))]
    # GraphProto: 5 initializer, 11 input, 12 output
    stored = [_stored(tensor) for tensor in graph.messages(5)]
    inner = [_stored(tensor) for node in nodes for tensor in _tensors_of(node)]
    return Contents(
        size_bytes=size_bytes,
        ir_version=model.integer(1),
        opsets={_domain(entry.text(1)): entry.integer(2) for entry in model.messages(8)},
        metadata={entry.text(1): entry.text(2) for entry in model.messages(14)},
        inputs=tuple(_value(value) for value in graph.messages(11)),
        outputs=tuple(_value(value) for value in graph.messages(12)),
        operations=tuple(_operation(node) for node in nodes),
        tensors=(*stored, *inner),
        defaults=frozenset(tensor.name for tensor in stored),
        functions=frozenset((_domain(one.text(10)), one.text(1)) for one in functions),
    )


def _operation(node: Message) -> Operation:
    """Read a NodeProto: 4 op_type, 5 attribute, 7 domain; AttributeProto: 1 name."""
    attributes = frozenset(attribute.text(1) for attribute in node.messages(5))
    return Operation(node.text(4), _domain(node.text(7)), attributes)


def _nodes(graph: Message, field: int = 1) -> Iterator[Message]:
    """Go through a graph's nodes, and those of the graphs inside them."""
    for node in graph.messages(field):
        yield node
        for inner in _graphs_of(node):
            yield from _nodes(inner)


def _graphs_of(node: Message) -> Iterator[Message]:
    # NodeProto: 5 attribute; AttributeProto: 6 g, 11 graphs
    for attribute in node.messages(5):
        yield from attribute.messages(6)
        yield from attribute.messages(11)


def _tensors_of(node: Message) -> Iterator[Message]:
    # AttributeProto: 5 t, 10 tensors
    for attribute in node.messages(5):
        yield from attribute.messages(5)
        yield from attribute.messages(10)
    for graph in _graphs_of(node):
        yield from graph.messages(5)


def _stored(tensor: Message) -> StoredTensor:
    """Read a TensorProto: 1 dims, 2 data_type, 6 string_data, 8 name, 9 raw_data, 14 data_location."""
    name, external = tensor.text(8), tensor.integer(14) == _EXTERNAL
    dtype, bits = _dtype(tensor.integer(2))
    shape = tuple(tensor.integers(1))
    size = (math.prod(shape) * bits + 7) // 8
    if dtype == "object":
        size = tensor.size(6)
    if not external and tensor.has(9) and tensor.size(9) != size:
        raise BrokenMessageError(
            f"the tensor {name!r} has {tensor.size(9):,} bytes of content where its shape asks for {size:,}"
        )
    return StoredTensor(name, dtype, shape, size, external)


def _value(value: Message) -> TensorCard:
    """Read a ValueInfoProto: 1 name, 2 type; TypeProto: 1 tensor_type; then 1 elem_type, 2 shape."""
    for kind in value.messages(2):
        for tensor in kind.messages(1):
            dtype, _ = _dtype(tensor.integer(1))
            shape = tensor.messages(2)
            # TensorShapeProto: 1 dim; Dimension: 1 dim_value, absent where it varies
            sizes = tuple(dim.integer(1, ANY) for dim in shape[-1].messages(1)) if shape else ()
            return TensorCard(value.text(1), dtype, sizes)
    return TensorCard(value.text(1), "object", ())


def _dtype(number: int) -> tuple[str, int]:
    if number not in _DTYPES:
        raise BrokenMessageError(f"there is no type of tensor with the number {number}")
    return _DTYPES[number]


def _domain(name: str) -> str:
    """Return the domain of an operation; the standard one has two names."""
    return "" if name == "ai.onnx" else name
