"""TFLite files made by hand from the schema: one linear layer, stored as a test wants it.

from tflite import linear_model, save
"""

from __future__ import annotations

from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from pocketformer.targets.litert.flatbuffer import set_metadata

Operator, Type = schema.BuiltinOperator, schema.TensorType
CHANNELS = 64


def buffer(data: np.ndarray | None = None) -> schema.BufferT:
    made = schema.BufferT()
    made.data = None if data is None else data.view(np.uint8).reshape(-1)
    return made


def tensor(name: str, kind: int, shape: list[int], index: int, channels: int = 0) -> schema.TensorT:
    made = schema.TensorT()
    made.name, made.type, made.shape, made.buffer = name, kind, np.array(shape, np.int32), index
    if channels:
        made.quantization = schema.QuantizationParametersT()
        made.quantization.scale = np.linspace(0.1, 1, channels, dtype=np.float32)
        made.quantization.zeroPoint = np.zeros(channels, np.int64)
    return made


def linear_model(graphs: int = 1, channels: int = CHANNELS) -> schema.ModelT:
    """A model of `graphs` equal subgraphs: one FULLY_CONNECTED with int8 weights each."""
    weights = np.arange(CHANNELS * 4, dtype=np.int64).astype(np.int8).reshape(CHANNELS, 4)
    model = schema.ModelT()
    model.version = 3
    model.buffers = [buffer()]
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = Operator.FULLY_CONNECTED
    code.version = 5
    model.operatorCodes = [code]
    model.subgraphs = []
    for _ in range(graphs):
        model.buffers.append(buffer(weights))
        graph = schema.SubGraphT()
        graph.tensors = [
            tensor("x", Type.FLOAT32, [1, 4], 0),
            tensor("a/long/source/path", Type.INT8, [CHANNELS, 4], len(model.buffers) - 1, channels),
            tensor("y", Type.FLOAT32, [1, CHANNELS], 0),
        ]
        graph.inputs, graph.outputs = np.array([0], np.int32), np.array([2], np.int32)
        operator = schema.OperatorT()
        operator.opcodeIndex = 0
        operator.inputs, operator.outputs = np.array([0, 1, -1], np.int32), np.array([2], np.int32)
        operator.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
        operator.builtinOptions = schema.FullyConnectedOptionsT()
        graph.operators = [operator]
        model.subgraphs.append(graph)
    set_metadata(model, "min_runtime_version", b"2.9.0".ljust(16, b"\0"))
    return model


def static_int8_model(*, batch: bool = False) -> schema.ModelT:
    """A linear layer in int8 alone, as a full integer quantiser leaves it: `static_int8` in numpy.

    Args:
        batch: Whether the first dimension is free.
    """
    model = linear_model(channels=1)
    graph = model.subgraphs[0]
    for place, (scale, zero) in {0: (INPUT_SCALE, 3), 1: (WEIGHT_SCALE, 0), 2: (OUTPUT_SCALE, -7)}.items():
        quantized = graph.tensors[place]
        quantized.type = Type.INT8
        quantized.quantization = schema.QuantizationParametersT()
        quantized.quantization.scale = np.array([scale], np.float32)
        quantized.quantization.zeroPoint = np.array([zero], np.int64)
    if batch:
        for place in (0, 2):
            shape = graph.tensors[place].shape
            graph.tensors[place].shapeSignature = np.array([-1, shape[1]], np.int32)
    return model


INPUT_SCALE, WEIGHT_SCALE, OUTPUT_SCALE = 0.05, 0.02, 2.0


def static_int8(x: np.ndarray) -> np.ndarray:
    """What `static_int8_model` gives for int8 [batch, 4]: int8 [batch, CHANNELS]."""
    weights = np.arange(CHANNELS * 4).astype(np.int8).reshape(CHANNELS, 4).astype(np.float64)
    made = (x.astype(np.float64) - 3) * INPUT_SCALE @ (weights * WEIGHT_SCALE).T
    return np.clip(np.round(made / OUTPUT_SCALE) - 7, -128, 127).astype(np.int8)


def save(model: schema.ModelT, path: Path) -> Path:
    """Write a model as it is, with nothing corrected."""
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    return path


def save_with_outside_weights(model: schema.ModelT, path: Path) -> Path:
    """Write a model whose weights stand behind the flatbuffer, as ai-edge-quantizer writes large ones."""
    outside = [one for one in model.buffers if one.data is not None and len(one.data) > 64]
    contents = [bytes(one.data) for one in outside]
    for one, content in zip(outside, contents, strict=True):
        one.data, one.offset, one.size = None, 1 << 20, len(content)  # a placeholder as wide as the offset
    start = -(-len(save(model, path).read_bytes()) // 16) * 16
    for one, content in zip(outside, contents, strict=True):
        one.offset, start = start, start + -(-len(content) // 16) * 16
    written = save(model, path).read_bytes()
    for one, content in zip(outside, contents, strict=True):
        written = written.ljust(one.offset, b"\0") + content
    path.write_bytes(written.ljust(start, b"\0"))
    return path
