"""Weights in fewer bits: constants of converted functions become compressed ones.

    int8      a scale per row (output channel, or row of the embedding), symmetric
    int4      blocks of 32 along the input, symmetric and clipped for the least squared error; int8 where
              rows make no whole blocks
    palette4  16 values per 16 output channels where a package needs iOS 18 anyhow, else 16 per matrix

Embeddings are compressed like the rest: in int8 beside int4 layers they would cost MiniLM-L6 a third more
bytes and take only 3 % off the logits' error (514 rows of Banking77).

Arithmetic stays in the type of the weight, float16 as a rule: Core ML expands weights when it loads them, or
as it reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pocketformer.errors import ExportError
from pocketformer.targets.coreml.constants import Constants
from pocketformer.targets.coreml.convert import Functions
from pocketformer.targets.coreml.package import block_of
from pocketformer.targets.coreml.protobuf import program_messages
from pocketformer.targets.coreml.releases import Release

#: Precisions whose weights are stored in fewer bits than their arithmetic has.
COMPRESSED = ("int8", "int4", "palette4")

_LEAST_ELEMENTS = 2048  # a smaller matrix costs more in scales and load time than it saves
# Operation → its inputs of weights; the first axis of each is what gets scales of its own.
_WEIGHTS = {
    "linear": ("weight",), "conv": ("weight",), "gather": ("x",), "matmul": ("x", "y"),
    "conv_transpose": ("weight",),
}  # fmt: skip


def compress(functions: Functions, precision: str, release: Release) -> Functions:
    """Return functions with their weights in `precision`; what was given stays as it is.

    Raises:
        ExportError: A weight could not be compressed; it is named.
    """
    constants = functions.constants.copy()
    expansions: dict[int, Any] = {}
    messages = {}
    for name, message in functions.messages.items():
        messages[name] = type(message)()
        messages[name].CopyFrom(message)
        _compress_block(block_of(messages[name]), precision, release, constants, expansions)
        _require_compressed(name, block_of(messages[name]))
    return Functions(messages, functions.descriptions, constants)


def _compress_block(
    block: Any, precision: str, release: Release, constants: Constants, expansions: dict[int, Any]
) -> None:
    from pocketformer.targets.coreml.expansions import expansion_of  # imports coremltools

    kinds = _weights_of(block)
    for operation in block.operations:
        if not operation.outputs or operation.outputs[0].name not in kinds or operation.type != "const":
            continue
        number = operation.attributes["val"].blobFileValue.offset
        if number not in expansions:
            embedding = kinds[operation.outputs[0].name] == "gather"
            expansions[number] = expansion_of(constants, number, precision, release, embedding)
        _put(operation, expansions[number])


def _put(operation: Any, expansion: Any) -> None:
    """Turn a constant into what expands to it, under its own names."""
    name, output = operation.attributes["name"], operation.outputs[0].name
    kept = type(name)()
    kept.CopyFrom(name)
    operation.CopyFrom(expansion)
    operation.attributes["name"].CopyFrom(kept)
    operation.outputs[0].name = output


def _weights_of(block: Any) -> dict[str, str]:
    """Return the large float constants that some operation reads as weights, and that operation."""
    large = {
        operation.outputs[0].name
        for operation in block.operations
        if operation.type == "const" and _is_large_float(operation.attributes["val"])
    }
    return {
        binding.name: operation.type
        for operation in block.operations
        for parameter in _WEIGHTS.get(operation.type, ())
        if parameter in operation.inputs
        for binding in operation.inputs[parameter].arguments
        if binding.name in large
    }


def _is_large_float(value: Any) -> bool:
    types: Mapping[str, int] = dict(program_messages().DataType.items())
    tensor = value.type.tensorType
    sizes = [dimension.constant.size for dimension in tensor.dimensions]
    return (
        value.WhichOneof("value") == "blobFileValue"
        and tensor.dataType in (types["FLOAT16"], types["FLOAT32"])
        and len(sizes) >= 2
        and int(np.prod(sizes)) >= _LEAST_ELEMENTS
    )


def _require_compressed(function: str, block: Any) -> None:
    """Read back that no weight was left as it was."""
    left = sorted(_weights_of(block))
    if left:
        raise ExportError(
            f"These weights of the function {function!r} were not compressed: {', '.join(left)}. "
            "Export in fp16, and report it."
        )
