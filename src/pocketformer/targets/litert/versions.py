"""The version that an operation needs for the types of its tensors, whatever version a file states.

A quantiser that changes the types of weights and leaves the versions as they were makes a file that an older
runtime opens, and computes wrongly without an error.

Source: `tflite/converter/tools/versioning/op_version.cc` and `op_signature.cc` (google-ai-edge/LiteRT, commit
f6745779 of 2026-08-21), as far as they go by types, scales and dimensions. What a version owes to an
operation's options no quantiser changes: there the stated version holds, as it does for recurrent layers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pocketformer.targets.litert.version_table import BY_BROADCAST_DIMENSIONS, BY_DIMENSIONS, BY_TYPE


@dataclass(frozen=True, slots=True)
class Operand:
    """What of a tensor decides a version.

    Attributes:
        type: The schema's name of its type in small letters, such as "int8".
        shape: Its sizes.
        scales: How many scales its quantisation has; 0 where it has none.
        blockwise: Whether its scales belong to blocks within a row.
    """

    type: str
    shape: tuple[int, ...] = ()
    scales: int = 0
    blockwise: bool = False

    @property
    def per_channel(self) -> bool:
        """Whether each row, or each of another dimension, has a scale of its own."""
        return self.scales > 1


Operands = Sequence[Operand | None]

_NOTHING = Operand("none")


def needed_version(operation: str, inputs: Operands, outputs: Operands) -> int:
    """Return the version of a builtin operation that its tensors ask for; 1 where they ask for nothing.

    Args:
        operation: The schema's name, such as "FULLY_CONNECTED".
        inputs: What it reads; None for an optional input that is left out.
        outputs: What it makes.
    """
    place, versions = BY_TYPE.get(operation, (0, {}))
    needed = max(
        versions.get(_at(inputs, place).type, 1),
        _by_dimensions(operation, [operand for operand in inputs if operand is not None]),
    )
    rule = _RULES.get(operation)
    return needed if rule is None else max(needed, rule(inputs, outputs))


def _at(operands: Operands, place: int) -> Operand:
    return (operands[place] if place < len(operands) else None) or _NOTHING


def _by_dimensions(operation: str, inputs: Sequence[Operand]) -> int:
    first = len(inputs[0].shape) if inputs else 0
    needed = max((version for above, version in BY_DIMENSIONS.get(operation, ()) if first > above), default=1)
    if operation in BY_BROADCAST_DIMENSIONS and len({operand.shape for operand in inputs[:2]}) > 1:
        above, version = BY_BROADCAST_DIMENSIONS[operation]
        if max(len(operand.shape) for operand in inputs) > above:
            needed = max(needed, version)
    return needed


def _fully_connected(inputs: Operands, outputs: Operands) -> int:
    read, weights = _at(inputs, 0), _at(inputs, 1)
    if weights.type == "int2" or weights.blockwise:
        return 14  # blockwise int4: zeros or noise on every package before 2.21's, as measured
    if weights.type == "int4":
        # The table is silent on int4 weights of float operations; 2.14 refuses to run them, 2.17 is right.
        return {"int16": 13, "int8": 10}.get(read.type, 12)
    if weights.type == "int8" and read.type == "float32":
        return 12 if weights.per_channel else 3
    if weights.type == "int8" and read.type == "int8":
        return 4
    if weights.type == "int16":
        return 7
    return 6 if len(inputs) == 2 else 1


def _embedding_lookup(inputs: Operands, outputs: Operands) -> int:
    table = _at(inputs, 1)
    if table.type == "int2" or table.blockwise:
        return 5
    if table.type == "int4" or table.per_channel:
        return 4
    return 3 if table.type == "int8" else 1


def _dequantize(inputs: Operands, outputs: Operands) -> int:
    source = _at(inputs, 0)
    by_type = {"float8_e4m3fn": 9, "float8_e5m2": 9, "uint4": 8, "int2": 7, "int4": 6}
    by_type |= {"int16": 3, "float16": 3, "int8": 5 if source.per_channel else 2}
    return by_type.get(source.type, 1)


def _quantize(inputs: Operands, outputs: Operands) -> int:
    types = {_at(inputs, 0).type, _at(outputs, 0).type}
    if "uint4" in types:
        return 5
    if "int4" in types:
        return 4
    if _at(outputs, 0).per_channel:
        return 3
    return 2 if _at(outputs, 0).type == "int16" else 1


def _cast(inputs: Operands, outputs: Operands) -> int:
    source, made = _at(inputs, 0).type, _at(outputs, 0).type
    by_type = {"float8_e4m3fn": 9, "float8_e5m2": 9, "int2": 8, "uint4": 8, "bfloat16": 7, "float64": 5}
    by_type |= {"float16": 5, "uint16": 4, "int8": 3, "uint32": 2}
    from_int4 = 6 if (source, made) == ("int4", "float32") else 1
    return max(by_type.get(source, 1), by_type.get(made, 1), from_int4)


def _convolution(hybrid: int, hybrid_per_channel: int, int16: int) -> Callable[[Operands, Operands], int]:
    def version(inputs: Operands, outputs: Operands) -> int:
        read, weights = _at(inputs, 0).type, _at(inputs, 1)
        by_type = {("int8", "int8"): 3, ("int8", "int4"): 7, ("int16", "int16"): int16}
        by_type["float32", "int8"] = hybrid_per_channel if weights.per_channel else hybrid
        return by_type.get((read, weights.type), 1)

    return version


def _int16_positions(version: int) -> Callable[[Operands, Operands], int]:
    return lambda inputs, outputs: version if _at(inputs, 1).type == "int16" else 1


def _unquantised_int16(version: int) -> Callable[[Operands, Operands], int]:
    def needed(inputs: Operands, outputs: Operands) -> int:
        return version if _at(inputs, 0).type == "int16" and not _at(inputs, 0).scales else 1

    return needed


_RULES: dict[str, Callable[[Operands, Operands], int]] = {
    "ABS": _unquantised_int16(4),
    "ADD": _unquantised_int16(5),
    "BROADCAST_TO": lambda inputs, outputs: 2,
    "CAST": _cast,
    "CONV_2D": _convolution(2, 5, 4),
    "DEPTHWISE_CONV_2D": _convolution(4, 6, 5),
    "DEQUANTIZE": _dequantize,
    "EMBEDDING_LOOKUP": _embedding_lookup,
    "FULLY_CONNECTED": _fully_connected,
    "GATHER": _int16_positions(6),
    "GATHER_ND": _int16_positions(4),
    "L2_NORMALIZATION": lambda inputs, outputs: 2 if _at(outputs, 0).type == "int8" else 1,
    "MUL": _unquantised_int16(7),
    "QUANTIZE": _quantize,
    "TOPK_V2": _int16_positions(3),
    "WHERE": lambda inputs, outputs: 1 if _at(inputs, 0).type == "bool" else 2,
}
