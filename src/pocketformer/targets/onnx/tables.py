"""Embeddings: rows are looked up as they are stored, and only those become float32."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from pocketformer.targets.onnx.rewriting import Rewriter
from pocketformer.targets.onnx.storage import (
    HALF,
    Coded,
    centred,
    places,
    scaled,
    stored_numbers,
    stored_palette,
    stored_scales,
)


def rewrite(rewriter: Rewriter, one: Coded) -> None:
    """Let the rewriter's Gather, of known rank, look its rows up in a table that is stored as planned."""
    index = rewriter.node.inputs[1]
    assert index is not None  # of a Gather
    if one.codes is None:
        stored = rewriter.constant(f"{one.name}.{HALF}", one.weight.numpy(), np.float16)
        rows = rewriter.add("Gather", [stored, index], "rows", axis=0)
        rewriter.replace(rewriter.add("Cast", [rows], to=ir.DataType.FLOAT))
        return
    rank = (rank_of(rewriter.node) or 0) + 1
    numbers = {
        width: rewriter.add("Gather", [plane, index], "rows", axis=0)
        for width, plane in stored_numbers(rewriter, one).items()
    }
    if one.format.kind == "palette":
        rewriter.replace(_from_palette(rewriter, one, places(rewriter, one, numbers, rank), index))
        return
    scales = rewriter.add("Gather", [stored_scales(rewriter, one), index], "scales", axis=0)
    rewriter.replace(scaled(rewriter, one, centred(rewriter, one, numbers, rank), scales, rank))


def _from_palette(rewriter: Rewriter, one: Coded, found: ir.Value, index: ir.Value) -> ir.Value:
    """Append the values of places [..., columns], each in the palette of its row's group."""
    palette = stored_palette(rewriter, one)
    if one.format.size:
        size = rewriter.constant(f"groups/size_{one.format.size}", one.format.size, np.int32)
        values = rewriter.constant(f"groups/values_{one.format.bits}", 2**one.format.bits, np.int32)
        last = rewriter.constant("groups/last", [-1], np.int64)
        group = rewriter.add("Div", [rewriter.add("Cast", [index], to=ir.DataType.INT32), size], "group")
        start = rewriter.add("Unsqueeze", [rewriter.add("Mul", [group, values], "group"), last], "group")
        found = rewriter.add("Add", [found, start], "places")
    flat = rewriter.add("Reshape", [palette, rewriter.constant("groups/flat", [-1], np.int64)])
    return rewriter.add("Gather", [flat, found], axis=0)


def rank_of(node: ir.Node) -> int | None:
    """Return the rank of the places that a Gather looks up; None where its graph does not tell."""
    index, rows = node.inputs[1], node.outputs[0]
    if index is not None and index.shape is not None:
        return len(index.shape)
    return None if rows.shape is None else len(rows.shape) - 1
