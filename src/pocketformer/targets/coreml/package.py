"""Reading a `.mlpackage`: the manifest, the model's protobuf and its weight files."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # it has no types

from pocketformer.errors import FileFormatError
from pocketformer.targets.coreml.protobuf import model_messages, program_messages
from pocketformer.targets.coreml.weights import Weights

__all__ = ["Package", "block_of", "immediate_bytes", "operations_in", "read_package"]

_BITS = {
    "float16": 16, "float32": 32, "float64": 64, "bool": 8, "int8": 8, "int16": 16, "int32": 32, "int64": 64,
    "uint8": 8, "uint16": 16, "uint32": 32, "uint64": 64, "int4": 4, "uint1": 1, "uint2": 2, "uint3": 3,
    "uint4": 4, "uint6": 6,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Package:
    """An ML Program package, its weights mapped when they are needed.

    Attributes:
        path: Where it lies.
        specification: The `Model` message.
        functions: Its `Function` messages by name, the default one first.
        weights: Its weight files.
    """

    path: Path
    specification: Any
    functions: dict[str, Any]
    weights: Weights

    def weight_bytes(self) -> dict[str, int]:
        """Return the bytes of all constants by dtype, those of a weight file counted once.

        Raises:
            FileFormatError: A weight file is missing or damaged.
        """
        blobs: dict[tuple[str, int], tuple[str, int]] = {}
        totals: dict[str, int] = {}
        for function in self.functions.values():
            for value in _values(block_of(function)):
                if value.WhichOneof("value") == "blobFileValue":
                    place = value.blobFileValue.fileName, value.blobFileValue.offset
                    blob = self.weights.blob(*place)
                    blobs[place] = blob.dtype, blob.size_bytes
                elif value.type.WhichOneof("type") == "tensorType":
                    dtype, size_bytes = immediate_bytes(value.type.tensorType)
                    totals[dtype] = totals.get(dtype, 0) + size_bytes
        for dtype, size_bytes in blobs.values():
            totals[dtype] = totals.get(dtype, 0) + size_bytes
        return {dtype: size_bytes for dtype, size_bytes in totals.items() if size_bytes}


def read_package(path: str | Path) -> Package:
    """Read a package; its weights stay on the disk until they are needed.

    Raises:
        FileFormatError: It is missing, incomplete or damaged, or holds no ML Program.
        MissingExtraError: coremltools, which has the format's messages, is not installed.
    """
    path = Path(path)
    model_path = _model_path(path)
    specification = model_messages().Model()
    try:
        specification.ParseFromString(model_path.read_bytes())
    except (OSError, DecodeError) as error:
        raise FileFormatError(
            f"The model {model_path} cannot be read: it is missing, cut short or damaged. "
            "Copy or export the package again."
        ) from error
    kind = specification.WhichOneof("Type")
    if kind != "mlProgram":
        raise FileFormatError(
            f"{path} holds a Core ML model of the kind {kind!r}; pocketformer reads ML Programs "
            "(coremltools' convert_to='mlprogram')."
        )
    functions = _default_first(specification)
    for name, function in functions.items():
        if function.opset not in function.block_specializations:
            raise FileFormatError(
                f"Function {name!r} of {path} has no program for its own operation set {function.opset!r}. "
                "Export the package again."
            )
    return Package(path, specification, functions, Weights(model_path.parent))


def block_of(function: Any) -> Any:
    """Return the `Block` message that a `Function` message runs."""
    return function.block_specializations[function.opset]


def operations_in(block: Any) -> Iterator[Any]:
    """Yield the `Operation` messages of a block in order, those inside loops and branches after theirs."""
    for operation in block.operations:
        yield operation
        for inner in operation.blocks:
            yield from operations_in(inner)


def _model_path(path: Path) -> Path:
    if not path.is_dir():
        found = "is a file" if path.exists() else "does not exist"
        raise FileFormatError(f"{path} {found}; a Core ML package is a directory named NAME.mlpackage.")
    manifest = path / "Manifest.json"
    try:
        content = json.loads(manifest.read_text("utf-8"))
        item = content["itemInfoEntries"][content["rootModelIdentifier"]]["path"]
    except FileNotFoundError as error:
        raise FileFormatError(
            f"{path} is no Core ML package: it has no Manifest.json. Give the directory named NAME.mlpackage."
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FileFormatError(
            f"The manifest {manifest} is damaged: it does not tell where the model lies. Export it again."
        ) from error
    model_path = Path(str(item))
    if model_path.is_absolute() or ".." in model_path.parts:
        raise FileFormatError(f"The manifest {manifest} names the model {item!r}, outside its package.")
    return path / "Data" / model_path


def _default_first(specification: Any) -> dict[str, Any]:
    functions = dict(specification.mlProgram.functions)
    default = specification.description.defaultFunctionName or "main"
    return dict(sorted(functions.items(), key=lambda pair: (pair[0] != default, pair[0])))


def _values(block: Any) -> Iterator[Any]:
    """Yield every constant of a block: attributes, and inputs that are written out where they are used."""
    for operation in operations_in(block):
        for name, value in operation.attributes.items():
            if name != "name":  # the operation's own name, not data
                yield value
        for argument in operation.inputs.values():
            for binding in argument.arguments:
                if binding.WhichOneof("binding") == "value":
                    yield binding.value


def immediate_bytes(tensor_type: Any) -> tuple[str, int]:
    """Return the dtype and the bytes of a constant that is written out inside of the program."""
    names = program_messages().DataType
    known = tensor_type.dataType in names.values()
    dtype = names.Name(tensor_type.dataType).lower() if known else "unknown"
    count = math.prod(dimension.constant.size for dimension in tensor_type.dimensions)
    return dtype, -(-count * _BITS.get(dtype, 0) // 8)
