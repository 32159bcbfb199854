"""The weight files of a checkpoint: safetensors only, checked before anything is built from them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import nn

from pocketformer.errors import CheckpointError

__all__ = ["load_strictly", "raise_for_keys", "read_tensors", "tensor_names"]

_FILE = "model.safetensors"
_INDEX = "model.safetensors.index.json"
_SHOWN = 4


def tensor_names(directory: Path) -> set[str]:
    """Return the names of all tensors in the checkpoint; opens every weight file.

    Raises:
        CheckpointError: No safetensors file, or one that is missing, truncated or corrupt.
    """
    names: set[str] = set()
    for path in _weight_files(directory):
        try:
            with safe_open(path, framework="pt") as content:
                names.update(content.keys())
        except (SafetensorError, OSError) as error:
            raise _broken(path, error) from error
    return names


def read_tensors(directory: Path) -> dict[str, torch.Tensor]:
    """Read all tensors of the checkpoint, by name.

    Raises:
        CheckpointError: As in `tensor_names`.
    """
    tensors: dict[str, torch.Tensor] = {}
    for path in _weight_files(directory):
        try:
            tensors.update(load_file(path))
        except (SafetensorError, OSError) as error:
            raise _broken(path, error) from error
    return tensors


def load_strictly(module: nn.Module, tensors: dict[str, torch.Tensor], directory: Path) -> None:
    """Copy `tensors` into `module`; every tensor must have its place and every place its tensor.

    Raises:
        CheckpointError: A missing or unexpected tensor, or one of another shape; names them.
    """
    expected = module.state_dict()
    raise_for_keys(
        directory, missing=expected.keys() - tensors.keys(), unexpected=tensors.keys() - expected.keys()
    )
    for name, place in expected.items():
        if tensors[name].shape != place.shape:
            raise CheckpointError(
                f"The tensor {name!r} in {str(directory)!r} has the shape {list(tensors[name].shape)}, but "
                f"config.json asks for {list(place.shape)}. The two files do not belong together."
            )
    module.load_state_dict(tensors)


def raise_for_keys(directory: Path, *, missing: Iterable[str] = (), unexpected: Iterable[str] = ()) -> None:
    """Raise CheckpointError when a tensor is missing or unexpected."""
    problems = [
        f"{word} {', '.join(sorted(names)[:_SHOWN])}{' …' if len(names) > _SHOWN else ''} ({len(names)})"
        for word, names in (("lacks", list(missing)), ("unexpectedly holds", list(unexpected)))
        if names
    ]
    if problems:
        raise CheckpointError(
            f"The weights in {str(directory)!r} do not fit its config.json: "
            f"the file {' and '.join(problems)}. "
            "Take config.json and model.safetensors from the same checkpoint."
        )


def _weight_files(directory: Path) -> list[Path]:
    if (directory / _FILE).is_file():
        return [directory / _FILE]
    if (directory / _INDEX).is_file():
        return _shards(directory)
    pickled = (directory / "pytorch_model.bin").is_file()
    raise CheckpointError(
        f"{str(directory)!r} holds no {_FILE}"
        + (
            ", only pytorch_model.bin. That is a pickle, which can run any code when read, so it is not "
            'loaded. Convert it once where you trust it: python -c "from transformers import AutoModel; '
            "AutoModel.from_pretrained('DIR').save_pretrained('DIR')\" (use the …ForSequenceClassification "
            "class to keep a head)."
            if pickled
            else ". Only safetensors weights are loaded; convert other formats with `save_pretrained`."
        )
    )


def _shards(directory: Path) -> list[Path]:
    try:
        names = sorted(set(json.loads((directory / _INDEX).read_text("utf-8"))["weight_map"].values()))
    except (ValueError, LookupError, TypeError, AttributeError, OSError) as error:
        raise _broken(directory / _INDEX, error) from error
    paths = [directory / str(name) for name in names]
    for path in paths:
        if not path.is_file():
            raise CheckpointError(
                f"{str(path)!r} is missing, though {_INDEX} lists it. Fetch the whole checkpoint again."
            )
    return paths


def _broken(path: Path, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"{str(path)!r} is corrupt or was cut short ({error}). Fetch or write the checkpoint again."
    )
