"""Whole encoders, converted by plain coremltools as a stranger would, against PyTorch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mil import coremltools, quiet
from pocketformer.program import Program, Shapes, Signature
from pocketformer.targets.coreml.evaluator import Evaluator
from pocketformer.targets.coreml.package import read_package
from pocketformer.targets.coreml.protobuf import model_messages
from tiny import ARCHITECTURES, tiny_classifier

QUICK = ("bert", "squeezebert")  # the usual operations, and convolutions
IDS = {
    "input_ids": np.array([[2, 6, 9, 30, 41, 3, 0, 0]], np.int32),
    "attention_mask": np.array([[1, 1, 1, 1, 1, 1, 0, 0]], np.int32),
    "token_type_ids": np.zeros((1, 8), np.int32),
}


def convert_signature(signature: Signature, path: Path, *, half: bool) -> list[str]:
    """Save one signature as a package; return the names of its outputs."""
    ct = coremltools()

    class InARow(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.module = signature.module

        def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
            return tuple(self.module(*inputs).values())

    with torch.no_grad(), quiet():
        outputs = signature.module(*signature.inputs.values())
        exported = torch.export.export(InARow().eval(), tuple(signature.inputs.values()))
        passes = ct.PassPipeline.DEFAULT
        passes.remove_passes({"common::add_int16_cast"})  # it cuts int32 to 16 bits
        kinds: dict[bool, Any] = {True: np.float32, False: np.int32}
        model = ct.convert(
            exported.run_decompositions({}),
            convert_to="mlprogram",
            minimum_deployment_target=ct.target.iOS17,
            pass_pipeline=passes,
            inputs=[
                ct.TensorType(name, shape=tuple(one.shape), dtype=np.int32)
                for name, one in signature.inputs.items()
            ],
            outputs=[
                ct.TensorType(name, dtype=kinds[one.is_floating_point()]) for name, one in outputs.items()
            ],
            compute_precision=ct.precision.FLOAT16 if half else ct.precision.FLOAT32,
            skip_model_load=True,
        )
        model.save(str(path))
    return list(outputs)


@pytest.mark.parametrize(
    "model_type",
    [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in ARCHITECTURES],
)
def test_an_encoder_of_each_architecture(tmp_path: Path, model_type: str) -> None:
    program = Program.from_checkpoint(
        str(tiny_classifier(tmp_path / "model", model_type=model_type)), Shapes((8,))
    )
    (signature,) = program.only("classify_8").signatures
    with torch.no_grad():
        expected = signature.module(*map(torch.from_numpy, IDS.values()))["logits"].numpy()
    for half, tolerance in ((False, 2e-6), (True, 2e-2)):
        path = tmp_path / f"{half}.mlpackage"
        convert_signature(signature, path, half=half)
        package = read_package(path)
        assert package.weight_bytes()["float16" if half else "float32"] > 10_000
        logits = Evaluator(package).run("main", IDS)["logits"]
        assert logits.dtype == np.float32
        np.testing.assert_allclose(logits, expected, atol=tolerance)


def test_a_tokenizer_is_exact_in_a_float16_program(tmp_path: Path) -> None:
    program = Program.from_checkpoint(str(tiny_classifier(tmp_path / "model")), Shapes((16,)))
    (signature,) = program.only("tokenize").signatures
    names = convert_signature(signature, tmp_path / "m.mlpackage", half=True)
    run = Evaluator(read_package(tmp_path / "m.mlpackage"))
    size = signature.inputs["text"].shape[1]
    for text in ("my card is lost!", "", "naïve café 中文 €", "\U0001f600" * 9, "x" * 500):
        data = np.zeros((1, size), np.int32)
        octets = text.encode()[:size]
        data[0, : len(octets)] = list(octets)
        expected = signature.module(torch.from_numpy(data))
        outputs = run.run("main", {"text": data})
        for name in names:
            np.testing.assert_array_equal(outputs[name], expected[name].numpy())


def test_reading_a_package_does_not_import_coremltools() -> None:
    """Its own import takes seconds and prints; the messages it has later are the same classes."""
    script = (
        "import sys\n"
        "from pocketformer.targets.coreml.protobuf import model_messages\n"
        "mine = model_messages().Model\n"
        "assert not any(name.split('.')[0] == 'coremltools' for name in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    coremltools()
    from coremltools.proto import Model_pb2

    assert Model_pb2.Model is model_messages().Model
