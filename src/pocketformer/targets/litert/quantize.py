"""A float32 TFLite file with its weights in another precision, by ai-edge-quantizer."""

from __future__ import annotations

import io
from contextlib import redirect_stderr
from pathlib import Path

import numpy as np
from ai_edge_quantizer import qtyping, quantizer, recipe
from ai_edge_quantizer.algorithm_manager import AlgorithmName

from pocketformer.quiet import without_chatter
from pocketformer.targets.litert.flatbuffer import Content

_WEIGHTED_OPERATIONS = (
    qtyping.TFLOperationName.FULLY_CONNECTED,
    qtyping.TFLOperationName.EMBEDDING_LOOKUP,
)


def quantize(path: Path, precision: str) -> Content:
    """Return a float32 file with its weights in `precision`; integer tables are left as they are.

    fp16: weights stored in half, computed in float32 after a DEQUANTIZE.
    int8: symmetric per output channel (per row for embeddings), activations quantised per token at
    run time ("dynamic range").
    """
    if precision == "fp32":
        return np.memmap(path, np.uint8, "r")
    # It warns of each weight that two signatures share, and draws a progress bar that it was told not to.
    with without_chatter(), redirect_stderr(io.StringIO()):
        worker = quantizer.Quantizer(str(path))
        if precision == "fp16":
            for operation in _WEIGHTED_OPERATIONS:
                worker.update_quantization_recipe(".*", operation, _HALF, AlgorithmName.FLOAT_CASTING)
        else:
            worker.load_quantization_recipe(recipe.dynamic_wi8_afp32())
        return bytes(worker.quantize(enable_progress_bar=False, enable_progress_report=False).quantized_model)


_HALF = qtyping.OpQuantizationConfig(
    weight_tensor_config=qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT),
    compute_precision=qtyping.ComputePrecision.FLOAT,
    explicit_dequantize=True,
)
