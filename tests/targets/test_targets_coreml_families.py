"""Every architecture, as classifier and as encoder, in every precision of Core ML."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from pocketformer.checkpoint import ARCHITECTURES
from pocketformer.program import Program, Shapes
from pocketformer.targets import coreml as target
from tiny import tiny_checkpoint, tiny_classifier, tiny_vocab

QUICK = ("mobilebert", "squeezebert")  # linear layers without norms, and convolutions
SLOW = tuple(name for name in ARCHITECTURES if name not in QUICK)
# Largest error over the largest value, and for four bits no more than that the result is alike.
LARGEST = {"fp32": 1e-5, "fp16": 0.02, "int8": 0.05, "int4": 0.4, "palette4": 0.4}


def examples() -> list[dict[str, np.ndarray]]:
    draw = np.random.default_rng(4)
    ids = draw.integers(5, len(tiny_vocab()), (3, 8)).astype(np.int32)
    counts = (8, 5, 1)
    return [
        {
            "input_ids": row[None],
            "attention_mask": (np.arange(8)[None] < count).astype(np.int32),
            "token_type_ids": np.zeros((1, 8), np.int32),
        }
        for row, count in zip(ids, counts, strict=True)
    ]


def proven(source: Path, signature: str, folder: Path) -> None:
    program = Program.from_checkpoint(str(source), Shapes((8,), 64)).only(signature)
    module = program.signatures[0].module
    for precision, largest in LARGEST.items():
        target.export(program, precision, folder / f"m.{precision}.mlpackage")
        session = target.open(folder / f"m.{precision}.mlpackage")
        for inputs in examples():
            with torch.inference_mode():
                expected = module(**{name: torch.from_numpy(value) for name, value in inputs.items()})
            found = session.run(signature, inputs)
            assert set(found) == set(expected)
            for name, value in expected.items():
                error = np.abs(found[name] - value.numpy()).max()
                assert error <= largest * float(value.abs().max()), (precision, name)


@pytest.mark.parametrize(
    "model_type", [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)]
)
@pytest.mark.parametrize("kind", ["classifier", "encoder"])
def test_every_architecture_in_every_precision(model_type: str, kind: str, tmp_path: Path) -> None:
    if kind == "classifier":
        source = tiny_classifier(tmp_path / "c", model_type=model_type, head="two-layer", multi_label=True)
        proven(source, "classify_8", tmp_path)
    else:
        proven(tiny_checkpoint(tmp_path / "e", model_type), "encode_8", tmp_path)
