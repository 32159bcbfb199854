"""One weight of a saved file changed: a broken layer, in each format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from pocketformer.checkpoint import load_classifier, load_tokenizer, save_classifier
from tiny import tiny_classifier

#: What changes a weight's numbers: float32 of the weight's shape in, the same out.
Change = Callable[[np.ndarray], np.ndarray]


def lively_classifier(directory: Path, model_type: str, pooling: str = "mean") -> Path:
    """Save a classifier whose weights all differ and whose every layer matters: fresh ones hardly do."""
    source = tiny_classifier(directory, model_type=model_type, head="two-layer", pooling=pooling)
    model = load_classifier(source)
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(
                parameter + 0.2 * noise if parameter.ndim == 1 else noise / parameter.shape[1] ** 0.5
            )
        # MobileBERT reads a token's neighbours: a padding row that is not zero would make padding matter.
        model.encoder.get_input_embeddings().weight[0] = 0
    save_classifier(model, load_tokenizer(source), source)
    return source


def corrupt_litert(path: Path, weight: np.ndarray, change: Change) -> None:
    """Change one weight wherever a `.tflite` file holds it, in float32, float16 or int8."""
    from ai_edge_litert import schema_py_generated as schema

    from pocketformer.targets.litert.flatbuffer import read_model, write_model

    numpy_types = {schema.TensorType.FLOAT32: np.float32, schema.TensorType.FLOAT16: np.float16,
                   schema.TensorType.INT8: np.int8}  # fmt: skip
    model = read_model(path.read_bytes(), str(path))
    changed: dict[int, np.ndarray] = {}
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            data = model.buffers[tensor.buffer].data
            if data is None or tensor.type not in numpy_types or list(tensor.shape) != list(weight.shape):
                continue
            stored = np.asarray(data, np.uint8).view(numpy_types[tensor.type]).reshape(weight.shape)
            scale = 1.0
            if tensor.type == schema.TensorType.INT8:
                scale = np.asarray(tensor.quantization.scale).reshape(-1, *[1] * (weight.ndim - 1))
            numbers = stored.astype(np.float32) * scale
            factors = _folded_factors(numbers, weight)
            if factors is None:
                continue
            new = change(numbers / factors) * factors / scale
            new = np.clip(np.round(new), -127, 127) if tensor.type == schema.TensorType.INT8 else new
            changed[tensor.buffer] = new.astype(stored.dtype).reshape(-1).view(np.uint8)
    assert changed, "the weight is not in the file"
    for number, data in changed.items():
        model.buffers[number].data = data
    path.write_bytes(write_model(model))


def _folded_factors(numbers: np.ndarray, weight: np.ndarray) -> np.ndarray | None:
    """Return by what a file's numbers differ from a weight, None where they are another weight's.

    Converters multiply the weight of a layer norm into the columns of the matrix behind it.
    """
    ones = np.ones(weight.shape[1:] if weight.ndim > 1 else (), np.float32)
    safe = np.where(weight == 0, 1, weight)
    candidates = [ones] if weight.ndim == 1 else [ones, np.median(numbers / safe, axis=0)]
    for factors in candidates:
        if np.allclose(numbers, weight * factors, atol=0.02 * np.abs(numbers).max()):
            return factors
    return None


def corrupt_onnx(path: Path, weight: np.ndarray, change: Change) -> None:
    """Change one weight wherever an `.onnx` file holds it, in float32 or float16, as it is or transposed."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load(path)
    graphs = [model.graph]
    for graph in graphs:
        graphs += [one.g for node in graph.node for one in node.attribute if one.HasField("g")]
    changed = 0
    for initializer in (one for graph in graphs for one in graph.initializer):
        stored = numpy_helper.to_array(initializer)
        if stored.dtype not in (np.float32, np.float16):
            continue
        for turned in (False, True) if weight.ndim == 2 else (False,):
            numbers = stored.T if turned else stored
            if numbers.shape == weight.shape and np.allclose(
                numbers, weight, atol=0.002 * np.abs(weight).max()
            ):
                new = change(numbers.astype(np.float32)).astype(stored.dtype)
                new = np.ascontiguousarray(new.T if turned else new)
                initializer.CopyFrom(numpy_helper.from_array(new, initializer.name))
                changed += 1
                break
    assert changed, "the weight is not in the file"
    path.write_bytes(model.SerializeToString())


def corrupt_coreml(path: Path, weight: np.ndarray, change: Change) -> None:
    """Change one weight wherever an `.mlpackage` holds it, in float32 or float16, as it is or transposed."""
    from pocketformer.targets.coreml.package import block_of, operations_in, read_package

    package = read_package(path)
    changed = set()
    for operation in (
        one for function in package.functions.values() for one in operations_in(block_of(function))
    ):
        value = operation.attributes["val"] if operation.type == "const" else None
        if value is None or value.WhichOneof("value") != "blobFileValue":
            continue
        place = value.blobFileValue
        blob = package.weights.blob(place.fileName, place.offset)
        if blob.dtype not in ("float32", "float16") or blob.count != weight.size or blob.offset in changed:
            continue
        stored = package.weights.read(place.fileName, place.offset, blob.count)
        for turned in (False, True) if weight.ndim == 2 else (False,):
            numbers = stored.reshape(weight.T.shape).T if turned else stored.reshape(weight.shape)
            if np.allclose(numbers, weight, atol=0.002 * np.abs(weight).max()):
                new = change(numbers.astype(np.float32)).astype(stored.dtype)
                with next(path.rglob(Path(place.fileName).name)).open("r+b") as stream:
                    stream.seek(blob.offset)
                    stream.write(np.ascontiguousarray(new.T if turned else new).tobytes())
                changed.add(blob.offset)
                break
    assert changed, "the weight is not in the file"
