"""What is in an ONNX file, read from its bytes; neither `onnx` nor ONNX Runtime is needed for it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from pocketformer.errors import FileFormatError
from pocketformer.targets.contract import ANY, FileCard, OperationCard, RuntimeVerdict
from pocketformer.targets.onnx.contents import Contents, read_contents
from pocketformer.targets.onnx.opsets import METADATA_KEY, oldest_release
from pocketformer.targets.onnx.reading import weight_cards
from pocketformer.targets.onnx.signatures import EntryPoint, entry_points

_PLAIN = "module"  # the kind of a program that is not laid out as ours are
_STANDARD, _ML, _OWN = "", "ai.onnx.ml", "com.microsoft"


def read_card(path: Path) -> FileCard:
    """Return the card of an ONNX file, ours or anybody's.

    Raises:
        FileFormatError: There is no such file, or it is no complete ONNX file.
    """
    return read_file(path)[0]


def read_file(path: Path) -> tuple[FileCard, tuple[EntryPoint, ...]]:
    """Return the card of an ONNX file, and how its signatures are run.

    Raises:
        FileFormatError: There is no such file, or it is no complete ONNX file.
    """
    contents = read_contents(path)
    metadata = _own_metadata(contents, path)
    entries = entry_points(
        [tensor for tensor in contents.inputs if tensor.name not in contents.defaults],
        [tensor for tensor in contents.inputs if tensor.name in contents.defaults],
        contents.outputs,
        ours=metadata.get("kind", _PLAIN) != _PLAIN,
        length=max(metadata.get("lengths", ()), default=ANY),
        name=str(metadata.get("signature", "serving_default")),
    )
    card = FileCard(
        path=str(path),
        format="onnx",
        size_bytes=contents.size_bytes,
        signatures=tuple(entry.card for entry in entries),
        operations=_operations(contents),
        weight_bytes=_weight_bytes(contents),
        runtime=_verdict(contents),
        labels=tuple(metadata.get("labels", ())),
        metadata=metadata,
        weights=weight_cards(contents),
    )
    return card, entries


def _own_metadata(contents: Contents, path: Path) -> dict[str, Any]:
    text = contents.metadata.get(METADATA_KEY)
    if text is None:
        return {}
    try:
        metadata: dict[str, Any] = json.loads(text)
    except ValueError as error:
        raise FileFormatError(f"The pocketformer metadata in {path} is not JSON: {error}.") from error
    return metadata


def _operations(contents: Contents) -> tuple[OperationCard, ...]:
    """Count the operations, each with the opset its domain is stated in."""
    counts = Counter((one.domain, one.kind) for one in contents.operations)
    cards = [
        OperationCard(
            f"{domain}.{kind}" if domain else kind,
            contents.opsets.get(domain, 0),
            count,
            builtin=domain in (_STANDARD, _ML, _OWN) or (domain, kind) in contents.functions,
        )
        for (domain, kind), count in counts.items()
    ]
    return tuple(sorted(cards, key=lambda card: (card.builtin, card.name)))


def _weight_bytes(contents: Contents) -> dict[str, int]:
    totals = Counter[str]()
    for tensor in contents.tensors:
        totals[tensor.dtype] += tensor.size_bytes
    return {dtype: size for dtype, size in sorted(totals.items()) if size}


def _verdict(contents: Contents) -> RuntimeVerdict:
    opset = contents.opsets.get(_STANDARD, 1)
    used = {tensor.dtype for tensor in contents.tensors}
    used |= {name for one in contents.operations for name in one.attributes}
    release, reason = oldest_release(opset, contents.ir_version, sorted(used))
    foreign = {
        f"{one.domain}.{one.kind}"
        for one in contents.operations
        if one.domain not in (_STANDARD, _ML) and (one.domain, one.kind) not in contents.functions
    }
    return RuntimeVerdict("ONNX Runtime", release, reason, f"opset {opset}", tuple(sorted(foreign)))
