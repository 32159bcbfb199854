"""What a LiteRT file computes on the way can be watched, and what none can hold is said before converting."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pocketformer.errors import InputError
from pocketformer.targets import SignatureCard, target_of
from pocketformer.targets.contract import ModelOperation

PRECISIONS = ["fp32", "fp16", "int8"]


def inputs_for(card: SignatureCard) -> dict[str, np.ndarray]:
    """Ones of every input: a mask that hides nothing, and ids of the vocabulary."""
    return {tensor.name: np.ones(tensor.shape, tensor.dtype) for tensor in card.inputs}


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_values_inside_end_in_what_the_signature_returns(finished: Path, precision: str) -> None:
    path = finished / f"tiny.{precision}.tflite"
    session = target_of(path).open(path)
    for signature in ("classify", "classify_16", "classify_32", "serving_default"):
        card = session.card.signature(signature)
        assert card is not None
        inputs = inputs_for(card)
        values = list(session.trace(signature, inputs))
        assert all(value.dtype == np.float32 for _, value in values)
        for name, expected in session.run(signature, inputs).items():
            last = [value for _, value in values if value.shape == expected.shape]
            assert any(np.array_equal(value, expected) for value in last), (signature, name)
        # The hidden states [1, length, 32] are among them, and are numbers, not leftovers of an arena.
        length = {"classify_16": 16}.get(signature, 32)
        states = [value for _, value in values if value.shape == (1, length, 32)]
        assert len(states) > 10
        assert all(np.isfinite(value).all() and value.any() for value in states[-3:])


def test_a_trace_follows_its_inputs_and_leaves_run_alone(finished: Path) -> None:
    path = finished / "tiny.int8.tflite"
    session = target_of(path).open(path)
    card = session.card.signature("classify_16")
    assert card is not None
    ones = inputs_for(card)
    twos = {**ones, "input_ids": ones["input_ids"] * 2}
    before = session.run("classify_16", ones)["logits"].copy()
    first = {name: value.copy() for name, value in session.trace("classify_16", ones)}
    second = dict(session.trace("classify_16", twos))
    assert first.keys() == second.keys()
    assert sum(not np.array_equal(first[name], second[name]) for name in first) > 20
    assert np.array_equal(session.run("classify_16", ones)["logits"], before)


def test_half_precision_weights_are_no_values(finished: Path) -> None:
    """They are turned into float32 in the file, and are the same for every input."""
    counts = {}
    for precision in ("fp32", "fp16"):
        path = finished / f"tiny.{precision}.tflite"
        session = target_of(path).open(path)
        card = session.card.signature("classify_16")
        assert card is not None
        counts[precision] = len(list(session.trace("classify_16", inputs_for(card))))
    assert counts["fp16"] <= counts["fp32"] + 1  # a looked-up row is turned into float32 after the look-up


def test_a_trace_refuses_what_run_refuses(finished: Path) -> None:
    path = finished / "tiny.fp32.tflite"
    session = target_of(path).open(path)
    with pytest.raises(InputError, match="no signature 'classify_17'"):
        next(iter(session.trace("classify_17", {})))


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("aten.bincount.default", "no lowering of aten.bincount.default to TFLite"),
        ("aten.nonzero.default", "depends on values"),
        ("aten.no_such_thing.default", "no lowering"),
        ("aten._linalg_svd.default", "no lowering"),
    ],
)
def test_operations_that_no_file_can_hold_are_named(name: str, part: str) -> None:
    operation = ModelOperation(name, "encoder.layer.0", 1)
    (refusal,) = target_of("x.tflite").unsupported([operation])
    assert refusal.operation is operation
    assert part in refusal.reason


def test_operations_of_an_encoder_are_taken() -> None:
    names = [
        "aten.linear.default",
        "aten.layer_norm.default",
        "aten.embedding.default",
        "aten.gelu.default",
        "aten.scaled_dot_product_attention.default",
        "aten.index_select.default",
        "aten.softmax.int",
        "aten.cumsum.default",
        "<built-in function getitem>",
    ]
    operations = [ModelOperation(name, "encoder", 1) for name in names]
    assert target_of("x.tflite").unsupported(operations) == ()
