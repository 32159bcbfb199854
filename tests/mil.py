"""Core ML programs of single operations, built with coremltools and saved, for the evaluator's tests.

from mil import save_program
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np


@cache
def coremltools() -> Any:
    """Import coremltools without its notices."""
    os.environ["TQDM_DISABLE"] = "1"
    logging.getLogger("coremltools").setLevel(logging.ERROR)
    with quiet():
        import coremltools as ct
    return ct


@contextmanager
def quiet() -> Iterator[None]:
    """Let none of coremltools' warnings through: it leaves temporary directories to the garbage collector."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def save_program(
    path: Path, inputs: Mapping[str, np.ndarray], build: Callable[..., Any], target: str = "iOS18"
) -> Path:
    """Save the program that `build(mb, **inputs)` makes, no pass having touched it.

    Args:
        path: Where to; must end in .mlpackage.
        inputs: Arrays with the shapes and dtypes of the program's inputs.
        build: Takes coremltools' builder and the input variables; returns the outputs.
        target: The release whose operations the builder gives.
    """
    ct = coremltools()
    model = convert(inputs, build, target, ct.PassPipeline.EMPTY)
    model.save(str(path))
    return path


def convert(inputs: Mapping[str, np.ndarray], build: Callable[..., Any], target: str, pipeline: Any) -> Any:
    """Return the `MLModel` of the program that `build(mb, **inputs)` makes."""
    ct = coremltools()
    from coremltools.converters.mil import Builder as mb  # noqa: N813  # coremltools' own short name
    from coremltools.converters.mil.mil import Function, Program, types

    release = getattr(ct.target, target)
    specs = {
        name: mb.TensorSpec(array.shape, types.numpy_type_to_builtin_type(array.dtype.type))
        for name, array in inputs.items()
    }
    with quiet():
        with Function(specs, release) as function:
            outputs = build(mb, **function.inputs)
            function.set_outputs(list(outputs) if isinstance(outputs, (tuple, list)) else [outputs])
        program = Program()
        program.add_function("main", function)
        return ct.convert(
            program,
            convert_to="mlprogram",
            minimum_deployment_target=release,
            pass_pipeline=pipeline,
            skip_model_load=True,
        )
