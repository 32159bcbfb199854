"""Tensors that no operation of a graph knows, left out of the file."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

__all__ = ["drop_unused_tensors"]

_ABSENT = -1  # an optional input that is left out


def drop_unused_tensors(model: Any) -> None:
    """Leave out what replaced or removed operations left behind, in an object tree, `schema.ModelT`.

    Each costs tens of bytes in every signature.
    """
    for number, graph in enumerate(model.subgraphs):
        used = _used(graph)
        places = {old: new for new, old in enumerate(sorted(used))} | {_ABSENT: _ABSENT}
        graph.tensors = [graph.tensors[index] for index in sorted(used)]
        for holder in [graph, *graph.operators]:
            holder.inputs = _renumbered(holder.inputs, places)
            holder.outputs = _renumbered(holder.outputs, places)
        for blocks in filter(None, map(_blocks, graph.tensors)):
            blocks.scales = places[blocks.scales]
        for signature in model.signatureDefs or []:
            if signature.subgraphIndex == number:
                for tensor in [*signature.inputs, *signature.outputs]:
                    tensor.tensorIndex = places[tensor.tensorIndex]


def _used(graph: Any) -> set[int]:
    used = {
        int(index) for holder in [graph, *graph.operators] for index in [*holder.inputs, *holder.outputs]
    } - {_ABSENT}
    return used | {blocks.scales for index in used if (blocks := _blocks(graph.tensors[index])) is not None}


def _blocks(tensor: Any) -> Any:
    """Return the blocks of a tensor's scales, which stand in a tensor of their own; None without any."""
    quantization = tensor.quantization
    blockwise = schema.QuantizationDetails.BlockwiseQuantization
    return (
        quantization.details if quantization is not None and quantization.detailsType == blockwise else None
    )


def _renumbered(indices: Any, places: dict[int, int]) -> Any:
    return np.array([places[int(index)] for index in indices], np.int32)
