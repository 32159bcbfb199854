"""A file without signatures is run by its inputs and outputs, quantised ones included."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pocketformer.errors import InputError
from pocketformer.targets import ANY, TensorCard, target_of
from pocketformer.targets.litert.flatbuffer import read_model
from tflite import CHANNELS, linear_model, save, static_int8, static_int8_model

litert = target_of("x.tflite")
SIGNATURE = "serving_default"


def test_the_one_entry_point_is_told_with_names_dtypes_and_shapes(tmp_path: Path) -> None:
    card = litert.describe(save(linear_model(), tmp_path / "plain.tflite"))
    (signature,) = card.signatures
    assert signature.name == SIGNATURE
    assert signature.inputs == (TensorCard("x", "float32", (1, 4)),)
    assert signature.outputs == (TensorCard("y", "float32", (1, CHANNELS)),)


def test_a_fully_quantised_model_takes_and_gives_its_integers(tmp_path: Path) -> None:
    path = save(static_int8_model(), tmp_path / "static.tflite")
    card = litert.describe(path)
    assert card.signatures[0].inputs == (TensorCard("x", "int8", (1, 4)),)
    assert card.signatures[0].outputs == (TensorCard("y", "int8", (1, CHANNELS)),)
    assert card.weight_bytes == {"int8": CHANNELS * 4}
    x = np.array([[10, -20, 30, 127]], np.int8)
    made = litert.open(path).run(SIGNATURE, {"x": x})["y"]
    assert made.dtype == np.int8
    assert np.abs(made.astype(int) - static_int8(x)).max() <= 1  # the runtime rounds in fixed point
    assert len(np.unique(made)) > 10


def test_a_free_dimension_is_any_and_is_fed_in_several_sizes(tmp_path: Path) -> None:
    path = save(static_int8_model(batch=True), tmp_path / "free.tflite")
    session = litert.open(path)
    assert session.card.signatures[0].input("x").shape == (ANY, 4)
    draw = np.random.default_rng(0)
    for batch in (1, 3, 2):
        x = draw.integers(-128, 128, (batch, 4)).astype(np.int8)
        made = session.run(SIGNATURE, {"x": x})["y"]
        assert np.abs(made.astype(int) - static_int8(x)).max() <= 1


def test_our_own_file_without_its_signatures_gives_the_same(finished: Path, tmp_path: Path) -> None:
    named = finished / "tiny.int8.tflite"
    model = read_model(named.read_bytes(), "ours")
    (first,) = (one for one in model.signatureDefs if one.subgraphIndex == 0)
    key = first.signatureKey.decode()
    names = [entry.name.decode() for entry in first.inputs]
    model.signatureDefs = None
    stripped = litert.open(save(model, tmp_path / "stripped.tflite"))
    (card,) = stripped.card.signatures
    expected_card = litert.describe(named).signature(key)
    assert expected_card is not None
    assert sorted(t.shape for t in card.inputs) == sorted(t.shape for t in expected_card.inputs)
    inputs = {name: np.full(expected_card.input(name).shape, 99, np.int32) for name in names}
    expected = litert.open(named).run(key, inputs)
    by_place = {tensor.name: np.full(tensor.shape, 99, np.int32) for tensor in card.inputs}
    made = stripped.run(SIGNATURE, by_place)
    assert sorted(map(np.ndarray.tolist, made.values())) == sorted(map(np.ndarray.tolist, expected.values()))
    assert [value.shape for _, value in stripped.trace(SIGNATURE, by_place)]


def test_tensors_without_names_are_told_apart_by_their_place(tmp_path: Path) -> None:
    model = linear_model()
    for tensor in model.subgraphs[0].tensors:
        tensor.name = b""
    session = litert.open(save(model, tmp_path / "nameless.tflite"))
    assert session.card.signatures[0].input("input_0").shape == (1, 4)
    made = session.run(SIGNATURE, {"input_0": np.ones((1, 4), np.float32)})
    assert made["output_0"].shape == (1, CHANNELS)


def test_what_does_not_fit_is_a_sentence(tmp_path: Path) -> None:
    session = litert.open(save(static_int8_model(), tmp_path / "static.tflite"))
    with pytest.raises(
        InputError, match=r"'x' of 'serving_default' is float32 \[1, 4\]; expected int8 \[1, 4\]"
    ):
        session.run(SIGNATURE, {"x": np.ones((1, 4), np.float32)})
    with pytest.raises(InputError, match="no signature 'main'; it has: serving_default"):
        session.run("main", {})
