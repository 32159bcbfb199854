"""Inputs to try a file with: given in an `.npz`, or drawn at random within what the file can take."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from pocketformer.errors import InputError
from pocketformer.targets import ANY, Arrays, FileCard, SignatureCard, TensorCard, target_of

#: For each signature, several sets of arrays by name.
Samples = Mapping[str, Sequence[Arrays]]

DEFAULT_SAMPLES = 16
_ANY_SIZE = 16  # of an axis that takes any; the first one, which is a batch as a rule, is 1
_SEED = 0


def samples_for(path: Path, given: Path | None = None, count: int = DEFAULT_SAMPLES) -> Samples:
    """Return inputs for every signature of a file.

    Args:
        path: The model file.
        given: An `.npz` with an array for each input, with or without a first axis of samples; signatures
            whose inputs it lacks are left out. Random ones when None.
        count: Of the random ones: normal numbers; integers within the table that they look up, else 0 and 1.

    Raises:
        InputError: The `.npz` cannot be read, or has inputs for no signature.
    """
    target = target_of(path)
    card = target.describe(path)
    if given is not None:
        return _read(given, card)
    looked_up = getattr(target, "looked_up", None)  # not every target can tell
    rows = looked_up(path) if looked_up is not None else {}
    draw = np.random.default_rng(_SEED)
    return {
        signature.name: [_drawn(signature, rows.get(signature.name, {}), draw) for _ in range(count)]
        for signature in card.signatures
    }


def _drawn(signature: SignatureCard, rows: Mapping[str, int], draw: np.random.Generator) -> Arrays:
    return {tensor.name: _array(tensor, rows.get(tensor.name, 2), draw) for tensor in signature.inputs}


def _array(tensor: TensorCard, rows: int, draw: np.random.Generator) -> np.ndarray:
    shape = tuple(
        size if size != ANY else 1 if axis == 0 else _ANY_SIZE for axis, size in enumerate(tensor.shape)
    )
    dtype = np.dtype(tensor.dtype)
    if dtype.kind == "f":
        return draw.standard_normal(shape).astype(dtype)
    if dtype.kind == "b":
        return draw.integers(0, 2, shape).astype(dtype)
    if dtype.kind not in "iu":
        raise InputError(
            f"The input {tensor.name!r} is {tensor.dtype}, which cannot be drawn; give --inputs."
        )
    if dtype.itemsize == 1:  # quantised activations
        return draw.integers(np.iinfo(dtype).min, np.iinfo(dtype).max + 1, shape).astype(dtype)
    return draw.integers(0, max(rows, 1), shape).astype(dtype)


def _read(path: Path, card: FileCard) -> dict[str, list[Arrays]]:
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (OSError, ValueError, zipfile.BadZipFile, AttributeError) as error:
        raise InputError(f"{path} cannot be read as an .npz of arrays: {error}") from error
    found = {
        signature.name: _split(signature, arrays, path)
        for signature in card.signatures
        if all(tensor.name in arrays for tensor in signature.inputs)
    }
    if not found:
        wanted = "; ".join(
            f"{one.name}: {', '.join(tensor.name for tensor in one.inputs)}" for one in card.signatures
        )
        raise InputError(f"{path} holds {', '.join(arrays) or 'nothing'}; {card.path} takes {wanted}.")
    return found


def _split(signature: SignatureCard, arrays: Arrays, path: Path) -> list[Arrays]:
    """Cut arrays of many samples into single ones: along an axis before the input's own, or its first."""
    columns = {tensor.name: _rows(tensor, arrays[tensor.name], path) for tensor in signature.inputs}
    counts = {name: len(rows) for name, rows in columns.items()}
    if len(set(counts.values())) != 1:
        told = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise InputError(
            f"{path} holds different counts of samples for the inputs of {signature.name!r}: {told}."
        )
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _rows(tensor: TensorCard, array: np.ndarray, path: Path) -> list[np.ndarray]:
    array = array.astype(tensor.dtype) if array.dtype.kind == np.dtype(tensor.dtype).kind else array
    rank = len(tensor.shape)
    if array.dtype == np.dtype(tensor.dtype):
        if tensor.takes(array.shape):
            return [array]
        if array.ndim == rank + 1 and tensor.takes(array.shape[1:]):
            return list(array)
        if rank and tensor.shape[0] in (1, ANY) and tensor.takes((1, *array.shape[1:])):
            return [row[None] for row in array]
    raise InputError(
        f"{tensor.name!r} in {path} is {array.dtype} {list(array.shape)}; the file takes {tensor.dtype} "
        f"{list(tensor.shape)}, with an axis of samples before it or instead of its first."
    )
