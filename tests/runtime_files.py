"""The files that are tried on every runtime: ours in all precisions, and what other tools would have left.

from runtime_files import make_files, outcome
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import torch
from ai_edge_litert import schema_py_generated as schema
from ai_edge_quantizer import qtyping, quantizer, recipe

from pocketformer.plan import Plan
from pocketformer.program import Program, Shapes
from pocketformer.quiet import without_chatter
from pocketformer.targets import litert
from pocketformer.targets.litert.convert import convert
from pocketformer.targets.litert.filling import fill
from pocketformer.targets.litert.flatbuffer import read_model, write_model
from pocketformer.targets.litert.release_table import FIRST_RELEASES
from pocketformer.targets.litert.releases import parsed
from runtime_matrix import Runtime, call
from tflite import save_with_outside_weights
from tiny import tiny_classifier

_MODELS: dict[str, dict[str, Any]] = {
    "BERT": {},
    "MobileBERT": {"model_type": "mobilebert"},
    "MiniLM": {"hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 256},
}
_TEXT = "Hello, the café card is lost 42!"
_MAX_BYTES = 64
# Largest |difference| from PyTorch over the largest |value|.
_TOLERANCE = {"fp32": 1e-5, "fp16": 2e-3, "int8": 3e-2, "int4": 0.8}

OURS = tuple(
    f"{model} {precision}{kind}"
    for model in _MODELS
    for kind in ("", ", one signature")
    for precision in litert.precisions
)
STRANGE = (
    "fp32, weights outside",
    "int8 as quantised",
    "int8 per tensor, as quantised",
    "int4 as quantised",
    "int4 in blocks, as quantised",
)


@dataclass(frozen=True)
class File:
    """A file on the disk, the calls to make, and what PyTorch gives for them."""

    path: Path
    calls: list[dict[str, Any]]
    expected: list[dict[str, np.ndarray]]
    tolerance: float

    @property
    def job(self) -> dict[str, Any]:
        return {"path": str(self.path), "calls": self.calls}

    @property
    def release(self) -> str | None:
        """The oldest runtime, by our verdict."""
        return litert.describe(self.path).runtime.release

    @property
    def stated(self) -> str | None:
        """The oldest runtime, by the file's own word."""
        return litert.describe(self.path).runtime.stated

    def admits(self, runtime: Runtime) -> bool:
        return self.release is not None and parsed(self.release) <= parsed(runtime.release)


@dataclass(frozen=True)
class Outcome:
    """What a runtime made of a file: "right", "refused" or "wrong", and how far off or why."""

    kind: str
    detail: str


def outcome(file: File, answer: dict[str, Any]) -> Outcome:
    """Hold what a runtime gave against PyTorch."""
    if "error" in answer:
        return Outcome("refused", answer["error"])
    furthest = 0.0
    for expected, given in zip(file.expected, answer["calls"], strict=True):
        for name, right in expected.items():
            made = np.asarray(given[name])
            if made.shape != right.shape or not np.isfinite(made).all():
                return Outcome("wrong", f"{name} is {list(made.shape)} or not finite")
            if right.dtype.kind == "i" and not np.array_equal(made, right):
                return Outcome("wrong", f"{name} differs")
            if right.dtype.kind == "f":
                furthest = max(furthest, float(np.abs(made - right).max() / np.abs(right).max()))
    return Outcome("right" if furthest <= file.tolerance else "wrong", f"{furthest:.1e}")


def make_files(folder: Path) -> dict[str, File]:
    """Write all files into a folder."""
    made: dict[str, File] = {}
    for name, config in _MODELS.items():
        checkpoint = tiny_classifier(folder / f"{name}.checkpoint", **config)
        program = Program.from_checkpoint(str(checkpoint), Shapes((16,), _MAX_BYTES))
        for kind, part in {"": program, ", one signature": program.only("classify_16")}.items():
            calls, expected = _calls(program, [signature.name for signature in part.signatures])
            for precision in litert.precisions:
                path = folder / f"{name} {precision}{kind}.tflite"
                litert.export(part, precision, path)
                made[path.stem] = File(path, calls, expected, _TOLERANCE[precision])
        if name == "MiniLM":
            made |= _strange(folder, program.only("classify_16"), program)
    return made


def operation_probes() -> dict[str, str]:
    """Return a file of one operation for each operation and version of the table, in base64."""
    return {
        f"{operation} {version}": base64.b64encode(_one_operation(operation, version)).decode()
        for operation, releases in FIRST_RELEASES.items()
        for version in range(1, len(releases.split()) + 1)
    }


def _calls(program: Program, names: list[str]) -> tuple[list[dict[str, Any]], list[dict[str, np.ndarray]]]:
    modules = {signature.name: signature.module for signature in program.signatures}
    encoded = _TEXT.encode()
    text = np.zeros((1, _MAX_BYTES), np.int32)
    text[0, : len(encoded)] = list(encoded)

    def run(name: str, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        with torch.no_grad():
            made = modules[name](**{key: torch.from_numpy(value) for key, value in inputs.items()})
        return {key: value.numpy() for key, value in made.items()}

    ids = run("tokenize", {"text": text})
    of_ids = {key: ids[key] for key in ("input_ids", "attention_mask", "token_type_ids")}
    inputs = {name: {"text": text} if name in ("tokenize", "classify") else of_ids for name in names}
    return [call(name, inputs[name]) for name in names], [run(name, inputs[name]) for name in names]


def _strange(folder: Path, one: Program, program: Program) -> dict[str, File]:
    """Files as ai-edge-quantizer leaves them, with nothing corrected, and one with its weights outside."""
    calls, expected = _calls(program, ["classify_16"])
    floats = _float_file(folder / "floats.tflite", one)
    paths = {name: folder / f"strange {place}.tflite" for place, name in enumerate(STRANGE)}
    save_with_outside_weights(read_model(floats.read_bytes(), "floats"), paths[STRANGE[0]])
    recipes = {
        STRANGE[1]: recipe.dynamic_wi8_afp32(),
        STRANGE[2]: _per_tensor(),
        STRANGE[3]: recipe.dynamic_wi4c_afp32(),
        STRANGE[4]: recipe.dynamic_wi4b32_afp32(),
    }
    for name, rules in recipes.items():
        with without_chatter():  # a padding row of zeros has no scale
            worker = quantizer.Quantizer(str(floats))
            worker.load_quantization_recipe(rules)
            done = worker.quantize(enable_progress_bar=False, enable_progress_report=False)
        model = read_model(bytes(done.quantized_model), name)  # weights inside, versions as they are
        paths[name].write_bytes(write_model(model))
    tolerances = {name: _TOLERANCE[name.split(",")[0].split(" ")[0]] for name in STRANGE}
    return {name: File(paths[name], calls, expected, tolerances[name]) for name in STRANGE}


def _float_file(path: Path, program: Program) -> Path:
    """Write a program as the converter leaves it, with its weights."""
    converted = convert(program)
    model = read_model(converted.path.read_bytes(), "floats")
    fill(model, converted.places, Plan.named("fp32"))
    path.write_bytes(write_model(model))
    return path


def _per_tensor() -> list[dict[str, Any]]:
    rules = recipe.dynamic_wi8_afp32()
    for rule in rules:
        rule["op_config"]["weight_tensor_config"]["granularity"] = qtyping.QuantGranularity.TENSORWISE
    return rules


def _one_operation(operation: str, version: int) -> bytes:
    number = getattr(schema.BuiltinOperator, operation)
    model = schema.ModelT()
    model.version, model.buffers = 3, [schema.BufferT()]
    code = schema.OperatorCodeT()
    code.builtinCode, code.deprecatedBuiltinCode, code.version = number, min(number, 127), version
    model.operatorCodes = [code]
    graph = schema.SubGraphT()
    graph.tensors = [schema.TensorT(), schema.TensorT()]
    for tensor in graph.tensors:
        tensor.name, tensor.shape, tensor.buffer = "x", np.array([1, 1], np.int32), 0
    graph.inputs, graph.outputs = np.array([0], np.int32), np.array([1], np.int32)
    step = schema.OperatorT()
    step.opcodeIndex, step.inputs, step.outputs = 0, graph.inputs, graph.outputs
    graph.operators, model.subgraphs = [step], [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


__all__ = ["OURS", "STRANGE", "File", "Outcome", "make_files", "operation_probes", "outcome"]
