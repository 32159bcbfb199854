"""Weights stored in float16. The arithmetic stays in float32: no activation can overflow, no speed is won."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from pocketformer.errors import ExportError
from pocketformer.targets.onnx.rewriting import Rewriter

_LARGEST = float(np.finfo(np.float16).max)


def rewrite(rewriter: Rewriter, weight: ir.Value) -> None:
    """Store the weight of the rewriter's node in half, and cast it; of a table only the rows looked up.

    Raises:
        ExportError: A weight is beyond 65,504.
    """
    assert weight.const_value is not None  # what makes it a weight
    content = weight.const_value.numpy()
    largest = float(np.abs(content).max(initial=0.0))
    if not largest <= _LARGEST:
        raise ExportError(
            f"The weight {weight.name} holds {largest:.4g}, beyond float16's {_LARGEST:,.0f}. "
            "Export with fp32 weights, or train it again with weight decay."
        )
    stored = rewriter.constant(f"{weight.name}.half", content, np.float16)
    node = rewriter.node
    if node.op_type == "Gather":
        rows = rewriter.add("Gather", [stored, *node.inputs[1:]], "rows", axis=0)  # type: ignore[list-item]  # both are there
        rewriter.replace(rewriter.add("Cast", [rows], to=ir.DataType.FLOAT))
    else:
        node.replace_input_with(1, rewriter.add("Cast", [stored], "weight", to=ir.DataType.FLOAT))
