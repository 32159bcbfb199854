"""Holding what an operation computed against what the program declares."""

from __future__ import annotations

from typing import Any

import numpy as np

from pocketformer.errors import FileFormatError
from pocketformer.targets.contract import ANY
from pocketformer.targets.coreml.evaluator.plan import Conform
from pocketformer.targets.coreml.evaluator.values import TensorType, Value, round_to_half


def conforming(declared: TensorType | None, label: str, rounds: bool) -> Conform:
    """Return a function that checks an output's shape and gives it its declared dtype.

    Args:
        declared: The declared type; None for what is no tensor, which passes as it is.
        label: Names the operation in the error.
        rounds: Whether a float16 output is to be rounded; it is exact already otherwise.
    """
    if declared is None or declared.dtype == "string":
        return lambda value: value
    if ANY in declared.shape:
        return _flexible(declared, label, rounds)
    shape, dtype = declared.shape, declared.carried
    rounds = rounds and declared.dtype == "float16"

    def conform(value: Any) -> Value:
        if value.shape != shape:
            raise _misshapen(declared, label, value)
        if value.dtype != dtype:
            value = value.astype(dtype)
        return round_to_half(value) if rounds else value

    return conform


def _flexible(declared: TensorType, label: str, rounds: bool) -> Conform:
    dtype = declared.carried
    rounds = rounds and declared.dtype == "float16"

    def conform(value: Any) -> Value:
        if not declared.fits(value.shape):
            raise _misshapen(declared, label, value)
        value = value.astype(dtype, copy=False)
        return round_to_half(value) if rounds else value

    return conform


def _misshapen(declared: TensorType, label: str, value: np.ndarray) -> FileFormatError:
    return FileFormatError(
        f"Operation {label} gives the shape {list(value.shape)}, and the program declares {declared}. "
        "The file is damaged, or was changed by hand; export it again."
    )
