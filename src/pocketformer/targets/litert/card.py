"""What is in a TFLite file, read from its bytes."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from pocketformer.errors import FileFormatError
from pocketformer.targets.contract import FileCard, OperationCard, SignatureCard, TensorCard
from pocketformer.targets.litert.flatbuffer import (
    BUILTIN_NAMES,
    TENSOR_TYPE_NAMES,
    get_metadata,
    opcode,
    read_model,
)

#: Name of our entry in the file's metadata.
METADATA_KEY = "pocketformer"

_NUMPY_NAMES = {"bool": "bool", "string": "object"}


def read_card(path: Path) -> FileCard:
    """Return the card of a TFLite file, ours or anybody's.

    Raises:
        FileFormatError: There is no such file, or it is no complete TFLite file.
    """
    if not path.is_file():
        kind = "is a directory" if path.is_dir() else "does not exist"
        raise FileFormatError(f"{path} {kind}; give the path of a .tflite file.")
    content = path.read_bytes()
    model = read_model(content, str(path))
    metadata = _own_metadata(model, path)
    runtime = get_metadata(model, "min_runtime_version")
    return FileCard(
        path=str(path),
        format="litert",
        size_bytes=len(content),
        signatures=tuple(_signature(model, definition) for definition in model.signatureDefs or []),
        operations=_operations(model),
        weight_bytes=_weight_bytes(model),
        oldest_runtime=None if runtime is None else runtime.rstrip(b"\0").decode("ascii", "replace") or None,
        labels=tuple(metadata.get("labels", ())),
        metadata=metadata,
    )


def _own_metadata(model: Any, path: Path) -> dict[str, Any]:
    content = get_metadata(model, METADATA_KEY)
    if content is None:
        return {}
    try:
        metadata: dict[str, Any] = json.loads(content)
    except ValueError as error:
        raise FileFormatError(f"The pocketformer metadata in {path} is not JSON: {error}.") from error
    return metadata


def _signature(model: Any, definition: Any) -> SignatureCard:
    graph = model.subgraphs[definition.subgraphIndex]

    def cards(entries: Any) -> tuple[TensorCard, ...]:
        return tuple(_tensor(entry.name, graph.tensors[entry.tensorIndex]) for entry in entries or [])

    return SignatureCard(_text(definition.signatureKey), cards(definition.inputs), cards(definition.outputs))


def _tensor(name: bytes | str, tensor: Any) -> TensorCard:
    dtype = TENSOR_TYPE_NAMES[tensor.type]
    shape = () if tensor.shape is None else tuple(int(size) for size in tensor.shape)
    return TensorCard(_text(name), _NUMPY_NAMES.get(dtype, dtype), shape)


def _operations(model: Any) -> tuple[OperationCard, ...]:
    counts = Counter(operator.opcodeIndex for graph in model.subgraphs for operator in graph.operators or [])
    cards = []
    for index, count in counts.items():
        code = model.operatorCodes[index]
        number = opcode(code)
        if number == schema.BuiltinOperator.CUSTOM:
            cards.append(
                OperationCard(_text(code.customCode or b"CUSTOM"), code.version, count, builtin=False)
            )
        else:
            cards.append(OperationCard(BUILTIN_NAMES.get(number, str(number)), code.version, count))
    return tuple(sorted(cards, key=lambda card: (card.builtin, card.name, card.version)))


def _weight_bytes(model: Any) -> dict[str, int]:
    """Count each constant buffer once, however many tensors point to it."""
    totals: Counter[str] = Counter()
    seen: set[int] = set()
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            data = model.buffers[tensor.buffer].data
            if tensor.buffer in seen or data is None or len(data) == 0:
                continue
            seen.add(tensor.buffer)
            totals[TENSOR_TYPE_NAMES[tensor.type]] += int(np.asarray(data).size)
    return dict(sorted(totals.items()))


def _text(value: bytes | str) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
