"""Writing an ONNX file one weight at a time: the whole file never stands in memory a second time.

Format: `onnx.proto` of ONNX; the graph is field 7 of the model and a stored tensor field 5 of the graph.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import onnx_ir as ir

from pocketformer import files
from pocketformer.errors import ExportError
from pocketformer.targets.onnx.wire import heading

_GRAPH_FIELD, _INITIALIZER_FIELD = 7, 5
_MAX_BYTES = 2**31 - 2**20  # protobuf ends at 2 GB


def write_model(model: ir.Model, path: Path, check: Callable[[Path], None] | None = None) -> None:
    """Write a model with all its weights inside, all or nothing; its graph is left without them.

    Args:
        model: The graph.
        path: Of the file.
        check: Reads the file before it takes its place there; what it raises leaves nothing behind.

    Raises:
        ExportError: The file would pass the format's 2 GB.
    """
    weights = [value.const_value for value in model.graph.initializers.values()]
    total = sum(weight.nbytes for weight in weights if weight is not None)
    if total > _MAX_BYTES:
        raise ExportError(
            f"The weights come to {total / 1e9:.2f} GB and an ONNX file ends at 2 GB. "
            "Export with fp16 or int8 weights, or shrink the model first."
        )
    model.graph.initializers.clear()
    with files.atomic_path(path) as temporary, temporary.open("wb") as stream:
        _write(ir.to_proto(model), [weight for weight in weights if weight is not None], stream)
        stream.flush()
        os.fsync(stream.fileno())
        if check is not None:
            check(temporary)


def _write(proto: object, weights: list[ir.TensorProtocol], stream: BinaryIO) -> None:
    graph = proto.graph.SerializeToString(deterministic=True)  # type: ignore[attr-defined]  # a ModelProto
    proto.ClearField("graph")  # type: ignore[attr-defined]  # the same
    stream.write(proto.SerializeToString(deterministic=True))  # type: ignore[attr-defined]  # the same
    sizes = [len(content) for content in map(_serialised, weights)]
    size = len(graph) + sum(len(heading(_INITIALIZER_FIELD, content)) + content for content in sizes)
    stream.write(heading(_GRAPH_FIELD, size) + graph)
    for weight in weights:
        content = _serialised(weight)
        stream.write(heading(_INITIALIZER_FIELD, len(content)))
        stream.write(content)


def _serialised(weight: ir.TensorProtocol) -> bytes:
    return bytes(ir.to_proto(weight).SerializeToString(deterministic=True))
