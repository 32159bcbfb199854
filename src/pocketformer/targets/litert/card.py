"""What is in a TFLite file, read from its bytes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from pocketformer.errors import FileFormatError
from pocketformer.targets.contract import FileCard, OperationCard
from pocketformer.targets.litert.flatbuffer import (
    BROKEN,
    TENSOR_TYPE_NAMES,
    require_identifier,
    truncated,
)
from pocketformer.targets.litert.operations import Operation, operations_of
from pocketformer.targets.litert.signatures import signature_cards
from pocketformer.targets.litert.verdict import runtime_verdict
from pocketformer.targets.litert.weights import weight_cards

#: Name of our entry in the file's metadata.
METADATA_KEY = "pocketformer"

_RUNTIME_KEY = "min_runtime_version"


def read_card(path: Path) -> FileCard:
    """Return the card of a TFLite file, ours or anybody's.

    Only what the card shows is read out of the flatbuffer: opening a file costs little more than its bytes.

    Raises:
        FileFormatError: There is no such file, or it is no complete TFLite file.
    """
    if not path.is_file():
        kind = "is a directory" if path.is_dir() else "does not exist"
        raise FileFormatError(f"{path} {kind}; give the path of a .tflite file.")
    content = path.read_bytes()
    require_identifier(content, str(path))
    try:
        return _card(schema.Model.GetRootAs(content, 0), path, len(content))
    except BROKEN as error:
        raise truncated(str(path), len(content)) from error


def _card(model: Any, path: Path, size_bytes: int) -> FileCard:
    buffers = _buffer_sizes(model, size_bytes)
    metadata = _own_metadata(model, path)
    operations = list(operations_of(model))
    stated = (_metadata(model, _RUNTIME_KEY) or b"").rstrip(b"\0").decode("ascii", "replace") or None
    return FileCard(
        path=str(path),
        format="litert",
        size_bytes=size_bytes,
        signatures=signature_cards(model),
        operations=_operations(operations),
        weight_bytes=_weight_bytes(model, buffers),
        runtime=runtime_verdict(operations, outside_buffers=_has_outside_buffers(model), stated=stated),
        labels=tuple(metadata.get("labels", ())),
        metadata=metadata,
        weights=weight_cards(model, buffers),
    )


def _each(length: Callable[[], int], item: Callable[[int], Any]) -> Iterator[Any]:
    """Go through one of the flatbuffer's vectors."""
    return (item(index) for index in range(length()))


def _subgraphs(model: Any) -> Iterator[Any]:
    return _each(model.SubgraphsLength, model.Subgraphs)


def _buffer_sizes(model: Any, size_bytes: int) -> list[int]:
    """Return the bytes of each buffer, inside the flatbuffer or behind it.

    Raises:
        ValueError: A buffer reaches past the end of the file.
    """
    sizes = []
    for buffer in _each(model.BuffersLength, model.Buffers):
        if buffer.Offset() > 1:
            end, size = buffer.Offset() + buffer.Size(), buffer.Size()
        else:
            size = buffer.DataLength()
            end = len(buffer.DataAsNumpy()) if size else 0
        if end > size_bytes:
            raise ValueError("a buffer reaches past the end of the file")
        sizes.append(size)
    return sizes


def _metadata(model: Any, name: str) -> bytes | None:
    for entry in _each(model.MetadataLength, model.Metadata):
        if entry.Name() == name.encode():
            buffer = model.Buffers(entry.Buffer())
            return bytes(buffer.DataAsNumpy()) if buffer.DataLength() else None
    return None


def _own_metadata(model: Any, path: Path) -> dict[str, Any]:
    content = _metadata(model, METADATA_KEY)
    if content is None:
        return {}
    try:
        metadata: dict[str, Any] = json.loads(content)
    except ValueError as error:
        raise FileFormatError(f"The pocketformer metadata in {path} is not JSON: {error}.") from error
    return metadata


def _operations(operations: list[Operation]) -> tuple[OperationCard, ...]:
    counts = Counter((one.name, one.stated, one.builtin) for one in operations)
    cards = [
        OperationCard(name, version, count, builtin) for (name, version, builtin), count in counts.items()
    ]
    return tuple(sorted(cards, key=lambda card: (card.builtin, card.name, card.version)))


def _has_outside_buffers(model: Any) -> bool:
    return any(buffer.Offset() > 1 for buffer in _each(model.BuffersLength, model.Buffers))


def _weight_bytes(model: Any, buffers: list[int]) -> dict[str, int]:
    """Count each constant buffer once, however many tensors point to it."""
    kinds = {
        tensor.Buffer(): tensor.Type()
        for graph in _subgraphs(model)
        for tensor in _each(graph.TensorsLength, graph.Tensors)
    }
    totals: Counter[str] = Counter()
    for index, kind in kinds.items():
        totals[TENSOR_TYPE_NAMES[kind]] += buffers[index]
    return {dtype: size for dtype, size in sorted(totals.items()) if size}
