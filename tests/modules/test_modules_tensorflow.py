"""TensorFlow's models as TFLite files, where TensorFlow is installed: the same commands then go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pocketformer
from pocketformer.errors import FileFormatError, MissingExtraError
from pocketformer.modules import convert_tensorflow, quantize_file


def test_without_tensorflow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tensorflow", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'pocketformer\[tensorflow\]'"):
        convert_tensorflow(tmp_path / "model.keras", tmp_path / "model.tflite")


@pytest.fixture(scope="module")
def tensorflow() -> Any:
    return pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pocketformer[tensorflow])")


@pytest.fixture(scope="module")
def keras_model(tensorflow: Any) -> Any:
    tensorflow.keras.utils.set_random_seed(0)
    layers = tensorflow.keras.layers
    inputs = tensorflow.keras.Input((24,), batch_size=1, name="pixels")
    hidden = layers.Dense(64, activation="relu")(inputs)
    return tensorflow.keras.Model(inputs, layers.Dense(5, name="logits")(hidden))


@pytest.mark.tensorflow
@pytest.mark.parametrize("kind", ["saved", "model.keras", "model.h5", "object", "function"])
def test_every_kind_of_model_becomes_a_file_that_quantises(
    tensorflow: Any, keras_model: Any, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "made.tflite"
    model: Any = tmp_path / kind
    if kind == "saved":
        keras_model.export(str(model), verbose=False)
    elif kind.startswith("model"):
        keras_model.save(model)
    elif kind == "object":
        model = keras_model
    else:
        call = tensorflow.function(lambda pixels: keras_model(pixels))
        model = call.get_concrete_function(tensorflow.TensorSpec((1, 24), tensorflow.float32, "pixels"))
    assert convert_tensorflow(model, path).worst.relative_error < 1e-4
    opened = pocketformer.open(path)
    (card,) = opened.card.signatures
    x = np.linspace(-1, 1, 24, dtype=np.float32)[None]
    (given,) = opened({card.inputs[0].name: x}).values()
    assert given == pytest.approx(np.asarray(keras_model(x)), abs=1e-5)
    made = quantize_file(path, tmp_path / "small.tflite", "int8")
    assert made.size_bytes < 0.6 * path.stat().st_size


@pytest.mark.tensorflow
def test_what_is_no_model_is_a_sentence(tensorflow: Any, tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"is no TensorFlow model: give the directory of a SavedModel"):
        convert_tensorflow(tmp_path, tmp_path / "made.tflite")
