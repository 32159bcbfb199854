"""TensorFlow's models as TFLite files, by its own converter: SavedModel, Keras or a concrete function."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from pocketformer import files
from pocketformer.checks.tolerances import output_tolerance
from pocketformer.checks.verdict import REJECTED_SUFFIX
from pocketformer.errors import ExportError, FileFormatError, MissingExtraError, VerificationError
from pocketformer.modules.comparison import Comparison, compare
from pocketformer.modules.samples import samples_for
from pocketformer.plan import Plan
from pocketformer.quiet import without_chatter
from pocketformer.targets import Arrays, SignatureCard, target_named

_KERAS = (".keras", ".h5", ".hdf5")
_SAVED_MODEL = "saved_model.pb"
_DEFAULT = "serving_default"

Functions = dict[str, Callable[..., Any]]


def convert_tensorflow(
    model: Any, path: str | Path, *, inputs: Path | None = None, tolerance: float | None = None
) -> Comparison:
    """Write a TensorFlow model as a float32 `.tflite`, and hold the file against TensorFlow itself.

    Args:
        model: The directory of a SavedModel, a `.keras` or `.h5` file, a Keras model, or a concrete function.
        path: For the file.
        inputs: An `.npz` to compare on; random inputs when None.
        tolerance: Largest relative error of an output; that of float32 when left out.

    Raises:
        MissingExtraError: TensorFlow is not installed.
        FileFormatError: No such model, or of an unknown kind.
        ExportError: The converter cannot take it with TFLite's own operations alone.
        VerificationError: The file is further from TensorFlow than allowed; it is kept as `.rejected`.
    """
    path = Path(path)
    tensorflow = _tensorflow()
    with without_chatter():
        converter, functions = _opened(tensorflow, model)
        content = _converted(converter)
    rejected = path.with_name(path.name + REJECTED_SUFFIX)
    files.write_bytes(rejected, content)
    session = target_named("litert").open(rejected)
    only = next(iter(functions.values()))
    runners = {card.name: _runner(functions.get(card.name, only), card) for card in session.card.signatures}
    comparison = compare(
        session.run, lambda name, arrays: runners[name](arrays), samples_for(rejected, inputs)
    )
    allowed = output_tolerance(Plan.named("fp32")) if tolerance is None else tolerance
    if not comparison.worst.relative_error <= allowed:
        raise VerificationError(f"{comparison} At most {allowed:.2%} is allowed; it is kept as {rejected}.")
    del session
    files.move(rejected, path)
    return comparison


def is_tensorflow_model(path: Path) -> bool:
    """Whether a path has the look of a SavedModel or a Keras model."""
    return path.suffix in _KERAS or (path / _SAVED_MODEL).is_file()


def _tensorflow() -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with without_chatter():
            return import_module("tensorflow")
    except ModuleNotFoundError as error:
        raise MissingExtraError("tensorflow", error.name or "tensorflow") from error


def _opened(tensorflow: Any, model: Any) -> tuple[Any, Functions]:
    """Return the converter of a model, and its functions by signature, which give what the file should."""
    lite = tensorflow.lite.TFLiteConverter
    if isinstance(model, str | Path):
        path = Path(model)
        if (path / _SAVED_MODEL).is_file():
            signatures = dict(tensorflow.saved_model.load(str(path)).signatures)
            return lite.from_saved_model(str(path), signature_keys=list(signatures)), signatures
        if path.suffix not in _KERAS or not path.is_file():
            raise FileFormatError(
                f"{path} is no TensorFlow model: give the directory of a SavedModel (it holds "
                f"{_SAVED_MODEL}), or a .keras or .h5 file."
            )
        model = tensorflow.keras.models.load_model(str(path), compile=False)
    if isinstance(model, tensorflow.keras.Model):
        return lite.from_keras_model(model), {_DEFAULT: _keras_function(model)}
    return lite.from_concrete_functions([model]), {_DEFAULT: model}


def _keras_function(model: Any) -> Callable[..., Any]:
    """Return what runs a Keras model on its inputs in their order."""

    def run(*inputs: Any) -> Any:
        return model(inputs[0] if len(inputs) == 1 else list(inputs), training=False)

    return run


def _converted(converter: Any) -> bytes:
    converter.experimental_enable_resource_variables = True
    try:
        return bytes(converter.convert())
    except Exception as error:  # its errors have no class of their own that can be imported
        lines = [line for line in str(error).strip().splitlines() if line.strip()]
        raise ExportError(
            f"TensorFlow's converter cannot take this model: {lines[0] if lines else type(error).__name__}"
        ) from error


def _runner(
    function: Callable[..., Any], card: SignatureCard
) -> Callable[[Mapping[str, np.ndarray]], Arrays]:
    """Return what runs a function of TensorFlow under the names that a file has."""
    tensorflow = _tensorflow()

    def run(inputs: Mapping[str, np.ndarray]) -> Arrays:
        given = {tensor.name: tensorflow.constant(inputs[tensor.name]) for tensor in card.inputs}
        _, named = getattr(function, "structured_input_signature", None) or ((), {})
        made = function(**given) if set(named) == set(given) else function(*given.values())
        outputs = {tensor.name for tensor in card.outputs}
        if isinstance(made, Mapping) and set(made) == outputs:
            return {name: np.asarray(value) for name, value in made.items()}
        flat = [np.asarray(value) for value in tensorflow.nest.flatten(made)]
        return {tensor.name: value for tensor, value in zip(card.outputs, flat, strict=True)}

    return run
