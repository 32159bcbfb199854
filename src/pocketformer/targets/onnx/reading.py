"""The formats of weights, read from the tensors of a file (see `storage` for their names)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pocketformer.errors import ExportError
from pocketformer.targets.contract import WeightCard
from pocketformer.targets.onnx.contents import Contents, StoredTensor, read_contents

if TYPE_CHECKING:
    from pocketformer.plan import WeightFormat  # the package brings torch, which no reader needs

_NAME = re.compile(r"(?:(.+)\.)?weight(?:\.(half|int8|bits\d|blocks|scale|palette|transposed))?")
_FLOATS = {"float32": "fp32", "float16": "fp16"}
_BYTE = 8

Parts = dict[str, StoredTensor]


def weight_cards(contents: Contents) -> tuple[WeightCard, ...]:
    """Return the stored weights of a file, in its order: ours by layer, another's without one."""
    layers: dict[str, Parts] = {}
    foreign: list[WeightCard] = []
    for tensor in contents.tensors:
        found = _NAME.fullmatch(tensor.name)
        if found is not None:
            layers.setdefault(found[1] or "", {})[found[2] or ""] = tensor
        elif len(tensor.shape) > 1 and tensor.dtype in _FLOATS:
            foreign.append(WeightCard("", _FLOATS[tensor.dtype], tensor.size_bytes))
    own = [
        WeightCard(layer, form, sum(tensor.size_bytes for tensor in parts.values()))
        for layer, parts in layers.items()
        for form in [_format(parts)]
        if form is not None
    ]
    return (*own, *foreign)


def require_formats(path: Path, planned: Mapping[str, WeightFormat]) -> None:
    """Refuse a file whose weights are not stored as planned.

    Raises:
        ExportError: The sentence names the layer, what was planned, and what the file holds.
    """
    found = {card.layer: card.format for card in weight_cards(read_contents(path))}
    for layer, form in planned.items():
        stored = found.get(layer, "none of it")
        if stored != str(form):
            raise ExportError(
                f"The layer {layer!r} was planned as {form}, and the file holds {stored}. "
                "This is a fault of pocketformer's; please report it with the plan."
            )


def _format(parts: Parts) -> str | None:
    """Return the name of the format of one layer's tensors; None where they are no matrix."""
    plain = parts.get("half") or parts.get("")
    if plain is not None:
        is_matrix = len(plain.shape) > 1 and plain.dtype in _FLOATS
        return _FLOATS[plain.dtype] if is_matrix else None
    planes = [(int(name[len("bits") :]), tensor) for name, tensor in parts.items() if name.startswith("bits")]
    bits = sum(width for width, _ in planes)
    if "palette" in parts and planes:
        groups, rows = parts["palette"].shape[0], planes[0][1].shape[0]
        return f"palette{bits}-g{rows // groups}" if groups > 1 else f"palette{bits}"
    if "scale" not in parts:
        return None
    if "blocks" in parts:
        columns, blocks = parts["blocks"].shape[0], parts["scale"].shape[0]
        bits = 4 if parts["blocks"].dtype == "int4" else _BYTE
    elif "int8" in parts:
        columns, blocks, bits = parts["int8"].shape[1], parts["scale"].shape[1], _BYTE
    elif planes:
        columns, blocks = _columns(planes), parts["scale"].shape[1]
    else:
        return None
    return f"int{bits}-b{columns // blocks}" if blocks > 1 else f"int{bits}"


def _columns(planes: Sequence[tuple[int, StoredTensor]]) -> int:
    """Return the numbers in a row of planes: those of the widest, which pads the least."""
    width, plane = max(planes, key=lambda one: one[0])
    return plane.shape[1] * _BYTE // width
