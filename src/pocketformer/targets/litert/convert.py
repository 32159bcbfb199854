"""A program as one float32 TFLite file, by litert-torch."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

# The converter draws its own progress on standard output otherwise.
os.environ.setdefault("LITERT_TORCH_SHOW_PROGRESS", "n")

import litert_torch
import torch
from litert_torch.backend.experimental.torch_tfl import _ops  # noqa: F401  # registers torch.ops.tfl
from torch import Tensor

from pocketformer.errors import ExportError
from pocketformer.quiet import without_chatter
from pocketformer.targets.litert.stand_ins import stand_ins

if TYPE_CHECKING:
    from pocketformer.program import Program

_FILE = "program.tflite"

# Converting takes most of an export's time, and each precision starts from the same float32 file. Its folder
# goes with the program.
_converted: weakref.WeakKeyDictionary[Program, Path] = weakref.WeakKeyDictionary()


def convert(program: Program) -> Path:
    """Return the program as a float32 TFLite file; its signatures share one set of weights.

    The file is temporary: it is deleted when the program is.

    Raises:
        ExportError: The converter cannot take an operation of the model.
    """
    if program not in _converted:
        folder = Path(tempfile.mkdtemp(prefix="pocketformer-"))
        weakref.finalize(program, shutil.rmtree, folder, ignore_errors=True)
        _convert(program, folder / _FILE)
        _converted[program] = folder / _FILE
    return _converted[program]


def _convert(program: Program, path: Path) -> None:
    with _single_gather(program), without_chatter():
        with stand_ins(program) as numbers:
            converted = _converted_signatures(program)
            numbers.release()
            converted.export(str(path))
            filled = numbers.fill(path)
        if not filled:
            _converted_signatures(program).export(str(path))


def _converted_signatures(program: Program) -> litert_torch.model.Model:
    converter = litert_torch.Converter()
    for signature in program.signatures:
        converter.signature(signature.name, signature.module, sample_kwargs=signature.inputs)
    try:
        return converter.convert()
    except (RuntimeError, ValueError, NotImplementedError) as error:
        raise ExportError(
            f"LiteRT cannot take this model: {str(error).strip().splitlines()[0]} "
            f"(while converting {', '.join(signature.name for signature in program.signatures)})."
        ) from error


def _tfl_gather(table: Tensor, index: Tensor) -> Tensor:
    """One GATHER; `index_select` becomes nine operations that check bounds we already keep."""
    gathered: Tensor = torch.ops.tfl.gather(table, index, 0)
    return gathered


@contextmanager
def _single_gather(program: Program) -> Iterator[None]:
    previous = [tokenizer.gather for tokenizer in program.tokenizers]
    for tokenizer in program.tokenizers:
        tokenizer.gather = _tfl_gather
    try:
        yield
    finally:
        for tokenizer, gather in zip(program.tokenizers, previous, strict=True):
            tokenizer.gather = gather
