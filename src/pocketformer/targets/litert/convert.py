"""A program as one float32 TFLite file, by litert-torch."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

# The converter draws its own progress on standard output otherwise.
os.environ.setdefault("LITERT_TORCH_SHOW_PROGRESS", "n")

import litert_torch
import torch
from litert_torch.backend.experimental.torch_tfl import _ops  # noqa: F401  # registers torch.ops.tfl
from torch import Tensor, nn

from pocketformer.errors import ExportError
from pocketformer.quiet import without_chatter
from pocketformer.targets.litert.guards import guarded_inputs
from pocketformer.targets.litert.places import Place, find_places
from pocketformer.targets.litert.stand_ins import LEAST_ELEMENTS, StandIn, program_weights, standing_in

if TYPE_CHECKING:
    from pocketformer.program import Program

_FILE = "program.tflite"


@dataclass(frozen=True, slots=True, eq=False)
class Converted:
    """A program as a float32 TFLite file whose weights are yet to be filled in.

    Attributes:
        path: The file: temporary, deleted when the program is.
        places: Where the weights stand, which are whatever the program has when it is filled.
        free: The weights that may change: those with a place, and those that no signature reads.
        lost: The weights that the converter changed beyond recognition, and that stay float32.
        fixed: A digest of everything else that the program holds, which the file has as it was.
    """

    path: Path
    places: tuple[Place, ...]
    free: tuple[StandIn, ...]
    lost: tuple[StandIn, ...]
    fixed: bytes


# Converting takes most of an export's time, and of all plans of a program only the weights differ.
_converted: weakref.WeakKeyDictionary[Program, Converted] = weakref.WeakKeyDictionary()


def convert(program: Program) -> Converted:
    """Return the program as a TFLite file to be filled; its signatures share one set of weights.

    A program is converted once, and again only where something else in it has changed than those weights.

    Raises:
        ExportError: The converter cannot take an operation of the model.
    """
    before = _converted.get(program)
    if before is not None and before.fixed == _digest(program, before.free):
        return before
    folder = Path(tempfile.mkdtemp(prefix="pocketformer-"))
    weakref.finalize(program, shutil.rmtree, folder, ignore_errors=True)
    with _single_gather(program), guarded_inputs(program), without_chatter():
        places, free, lost = _convert(program, folder / _FILE)
    _converted[program] = Converted(folder / _FILE, places, free, lost, _digest(program, free))
    return _converted[program]


def _convert(
    program: Program, path: Path, least_elements: int = LEAST_ELEMENTS
) -> tuple[tuple[Place, ...], tuple[StandIn, ...], tuple[StandIn, ...]]:
    """Convert with stand-ins for every weight that can be found again; the others stay what they are.

    Returns:
        The places, the weights that may change from now on, and those that have no place.
    """
    weights = program_weights(program, least_elements)
    places = _converted_with(program, weights, path)
    missing = _missing(program, weights, places)
    if any(one.repeated for one in missing):  # its number shows nothing of what became of it
        weights = program_weights(program, sys.maxsize)
        places = _converted_with(program, weights, path)
        missing = _missing(program, weights, places)
    if missing:
        places = _converted_with(program, [place.weight for place in places], path)
    return places, tuple(one for one in weights if one not in missing), tuple(missing)


def _converted_with(program: Program, weights: Sequence[StandIn], path: Path) -> tuple[Place, ...]:
    with standing_in(weights) as kept:
        converted = _converted_signatures(program)
        kept.release()
        converted.export(str(path))
    return find_places(path, weights)


def _missing(program: Program, weights: Sequence[StandIn], places: Sequence[Place]) -> list[StandIn]:
    """Return the weights that have no place in a file though their layers are run."""
    placed = {place.weight for place in places}
    missing = [one for one in weights if one not in placed]
    run = _run_modules(program) if missing else set()
    return [one for one in missing if one.module in run]


def _run_modules(program: Program) -> set[nn.Module]:
    """Return the modules that any signature runs: a checkpoint may hold layers that no output needs."""
    run: set[nn.Module] = set()
    handle = nn.modules.module.register_module_forward_pre_hook(lambda module, _: run.add(module))
    try:
        with torch.no_grad():
            for signature in program.signatures:
                signature.module(**signature.inputs)
    finally:
        handle.remove()
    return run


def _digest(program: Program, free: Sequence[StandIn]) -> bytes:
    digest = hashlib.sha256()
    left_out = {id(one.weight) for one in free}
    for signature in program.signatures:
        for name, value in [*signature.module.named_parameters(), *signature.module.named_buffers()]:
            if id(value) not in left_out:
                digest.update(name.encode())
                digest.update(value.detach().contiguous().view(-1).view(torch.uint8).numpy().data)
                left_out.add(id(value))
    return digest.digest()


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
