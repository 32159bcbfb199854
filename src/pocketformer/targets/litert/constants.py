"""Constants that follow a rule are computed when the file runs, instead of stored in it.

The converter folds whatever it can: a number becomes as many of it as the other operand has, the positions
of a length become a table of their own, and a row that is added everywhere becomes a row for every position.
Each replacement gives the very same numbers, and none is made where an operation wants a stored constant.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from pocketformer.targets.litert.flatbuffer import opcode

__all__ = ["compute_constants"]

_Builtin = schema.BuiltinOperator
_Options = schema.BuiltinOptions
# An operation in the place of a constant costs about a hundred bytes of tables in every signature.
_LEAST_BYTES = 256
_LEAST_SLICE_BYTES = 4096
_NOTHING = 0  # the number of the buffer that holds no data

# These read an operand alike whether it is stored or computed.
_ARITHMETIC = {_Builtin.ADD, _Builtin.SUB, _Builtin.MUL}
_COMPARING = {_Builtin.LESS, _Builtin.LESS_EQUAL, _Builtin.GREATER, _Builtin.GREATER_EQUAL, _Builtin.EQUAL}
_CHOOSING = {_Builtin.SELECT, _Builtin.SELECT_V2, _Builtin.CONCATENATION, _Builtin.MAXIMUM, _Builtin.MINIMUM}
_READING_INTEGERS = _ARITHMETIC | _COMPARING | _CHOOSING


@dataclass(frozen=True, slots=True)
class _Constant:
    """A stored tensor, and the operations that read it."""

    graph: Any
    index: int
    values: NDArray[Any]
    readers: tuple[Any, ...]

    @property
    def tensor(self) -> Any:
        return self.graph.tensors[self.index]


def compute_constants(model: Any) -> None:
    """Replace what follows a rule, in place: by FILL, by RANGE, by a broadcast row, or by SLICE."""
    for constant in _constants(model, schema.TensorType.INT32, np.int32, _READING_INTEGERS):
        if constant.values.nbytes >= _LEAST_BYTES:
            _compute_integers(model, constant)
    for constant in _constants(model, schema.TensorType.FLOAT32, np.float32, _ARITHMETIC):
        _store_one_row(model, constant)
    floats = list(_constants(model, schema.TensorType.FLOAT32, np.float32, _ARITHMETIC))
    for constant in floats:
        if constant.values.nbytes >= _LEAST_SLICE_BYTES:
            _cut_from_longer(model, constant, floats)


def _constants(
    model: Any, kind: int, dtype: type[np.generic], readers: Collection[int]
) -> Iterator[_Constant]:
    """Go through the constants of a type that only operations of some kinds read."""
    for graph in model.subgraphs:
        used: dict[int, list[Any]] = {}
        for operator in graph.operators:
            for index in {int(index) for index in operator.inputs}:
                used.setdefault(index, []).append(operator)
        outward = {int(index) for index in [*graph.inputs, *graph.outputs]}
        for index in sorted(used.keys() - outward - {-1}):
            tensor = graph.tensors[index]
            data = model.buffers[tensor.buffer].data
            if tensor.type != kind or data is None or len(data) == 0:
                continue
            if all(opcode(model.operatorCodes[reader.opcodeIndex]) in readers for reader in used[index]):
                values = np.frombuffer(data, dtype).reshape(tensor.shape)
                yield _Constant(graph, index, values, tuple(used[index]))


def _compute_integers(model: Any, constant: _Constant) -> None:
    values = constant.values
    first = int(values.flat[0])
    if (values == first).all():
        inputs = [np.array(values.shape, np.int32), np.int32(first)]
        _compute(model, constant, _Builtin.FILL, _Options.FillOptions, schema.FillOptionsT, inputs)
    elif values.ndim == 1 and (np.diff(values) == 1).all():
        inputs = [np.int32(first), np.int32(first + len(values)), np.int32(1)]
        _compute(model, constant, _Builtin.RANGE, _Options.RangeOptions, schema.RangeOptionsT, inputs)


def _store_one_row(model: Any, constant: _Constant) -> None:
    """Store one row `[1, 1, width]` of equal ones `[1, length, width]`; the operation repeats it."""
    values = constant.values
    if values.ndim < 2 or values.shape[-2] == 1 or not _same_rows(values):
        return
    for reader in constant.readers:
        output = constant.graph.tensors[int(reader.outputs[0])]
        others = [constant.graph.tensors[int(i)] for i in reader.inputs if int(i) != constant.index]
        if not any(list(other.shape) == list(output.shape) for other in others):
            return
    row = values.reshape(-1, values.shape[-1])[0]
    constant.tensor.shape = np.array([1] * (values.ndim - 1) + [len(row)], np.int32)
    constant.tensor.buffer = _stored(model, row)


def _same_rows(values: NDArray[Any]) -> bool:
    rows = np.ascontiguousarray(values).reshape(-1, values.shape[-1])
    return bool((rows.view(np.int32) == rows[0].view(np.int32)).all())  # as bits: -0 is not 0


def _cut_from_longer(model: Any, constant: _Constant, others: Collection[_Constant]) -> None:
    """Take `[1, length, width]` from the beginning of the longest table that begins with it."""
    values = constant.values
    longer = [
        other
        for other in others
        if other.values.nbytes > values.nbytes
        and _differs_in_length(other.values.shape, values.shape)
        and other.values.tobytes().startswith(values.tobytes())
    ]
    if not longer:
        return
    table = max(longer, key=lambda other: other.values.nbytes)
    inputs = [
        _tensor(constant.graph, table.tensor.type, table.values.shape, table.tensor.buffer),
        np.zeros(values.ndim, np.int32),
        np.array(values.shape, np.int32),
    ]
    _compute(model, constant, _Builtin.SLICE, _Options.SliceOptions, schema.SliceOptionsT, inputs)


def _differs_in_length(longer: tuple[int, ...], shorter: tuple[int, ...]) -> bool:
    """Whether two shapes differ in one axis alone, and all before it are 1: the shorter is a beginning."""
    if len(longer) != len(shorter):
        return False
    axes = [axis for axis, (one, other) in enumerate(zip(longer, shorter, strict=True)) if one != other]
    return len(axes) == 1 and all(size == 1 for size in longer[: axes[0]])


def _compute(
    model: Any,
    constant: _Constant,
    code: int,
    options_type: int,
    options: Callable[[], Any],
    inputs: list[Any],
) -> None:
    """Make a constant the output of an operation, which stands right before the first that reads it."""
    graph = constant.graph
    operator = schema.OperatorT()
    operator.opcodeIndex = _code_index(model, code)
    operator.builtinOptionsType, operator.builtinOptions = options_type, options()
    places = [
        _tensor(graph, schema.TensorType.INT32, given.shape, _stored(model, given))
        if isinstance(given, np.ndarray | np.int32)
        else given
        for given in inputs
    ]
    operator.inputs, operator.outputs = np.array(places, np.int32), np.array([constant.index], np.int32)
    constant.tensor.buffer = _NOTHING
    first = min(
        place
        for place, other in enumerate(graph.operators)
        if any(other is reader for reader in constant.readers)
    )
    graph.operators.insert(first, operator)


def _code_index(model: Any, code: int) -> int:
    """Return the place of an operation in the model's list; `finish.correct_versions` sets the version."""
    for place, known in enumerate(model.operatorCodes):
        if opcode(known) == code:
            return place
    added = schema.OperatorCodeT()
    added.builtinCode = added.deprecatedBuiltinCode = code
    added.version = 1
    model.operatorCodes.append(added)
    return len(model.operatorCodes) - 1


def _stored(model: Any, values: Any) -> int:
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(values.tobytes(), np.uint8)
    model.buffers.append(buffer)
    return len(model.buffers) - 1


def _tensor(graph: Any, kind: int, shape: tuple[int, ...], buffer: int) -> int:
    tensor = schema.TensorT()
    tensor.type, tensor.shape, tensor.buffer = kind, np.array(shape, np.int32), buffer
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1
