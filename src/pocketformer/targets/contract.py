"""What every target gives: three verbs, a session and a file card.

A target is a module registered in the entry-point group `pocketformer.targets`. It has

    suffixes   the file name endings it owns, such as (".tflite",)
    precisions the weight formats it writes, such as ("fp32", "int8")
    runtime    the module that runs its files, so that its own cost can be told from a file's
    export     (program, precision, path) -> None: write one file, all or nothing
    open       (path, threads) -> Session: run the file's signatures
    describe   (path) -> FileCard: what is in the file, read from its bytes

`checks`, `bench` and `pocketformer.open` know these names and never a format.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from pocketformer.program import Program

#: Arrays by name, as a signature takes and returns them.
Arrays = dict[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class TensorCard:
    """One input or output of a signature: its name, numpy dtype name and shape."""

    name: str
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SignatureCard:
    """One named entry point of a file."""

    name: str
    inputs: tuple[TensorCard, ...]
    outputs: tuple[TensorCard, ...]

    def input(self, name: str) -> TensorCard:
        """Return the input called `name`; KeyError when there is none."""
        return {tensor.name: tensor for tensor in self.inputs}[name]

    def output(self, name: str) -> TensorCard:
        """Return the output called `name`; KeyError when there is none."""
        return {tensor.name: tensor for tensor in self.outputs}[name]


@dataclass(frozen=True, slots=True)
class OperationCard:
    """One kind of operation in a file: how often it occurs, and whether the stock runtime has it."""

    name: str
    version: int
    count: int
    builtin: bool = True


@dataclass(frozen=True, slots=True)
class FileCard:
    """What is in a model file, counted from its bytes."""

    path: str
    format: str
    size_bytes: int
    signatures: tuple[SignatureCard, ...]
    operations: tuple[OperationCard, ...]
    weight_bytes: dict[str, int]  # by dtype, each stored buffer counted once
    oldest_runtime: str | None  # as the file itself states it; None when it states nothing
    labels: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)

    def signature(self, name: str) -> SignatureCard | None:
        """Return the signature called `name`, or None."""
        return next((card for card in self.signatures if card.name == name), None)

    @property
    def foreign_operations(self) -> tuple[OperationCard, ...]:
        """Operations the stock runtime does not have: custom and Flex ones."""
        return tuple(operation for operation in self.operations if not operation.builtin)


class Session(Protocol):
    """An open file, ready to run."""

    @property
    def card(self) -> FileCard:
        """What is in the file."""

    def run(self, signature: str, inputs: Mapping[str, np.ndarray]) -> Arrays:
        """Run one signature.

        Raises:
            InputError: No such signature, a missing or unknown input, or a wrong shape or dtype.
        """


class Target(Protocol):
    """A file format pocketformer can write, run and describe."""

    suffixes: tuple[str, ...]
    precisions: tuple[str, ...]
    runtime: str

    def export(self, program: Program, precision: str, path: Path) -> None:
        """Write `program` to `path` with weights in `precision`, one of `precisions`."""

    def open(self, path: Path, threads: int = 1) -> Session:
        """Open a file to run it."""

    def describe(self, path: Path) -> FileCard:
        """Read what is in a file."""
