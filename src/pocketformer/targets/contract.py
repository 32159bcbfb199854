"""What every target gives: a few verbs, a session and a file card.

A target is a module registered in the entry-point group `pocketformer.targets`. It has

    suffixes    the file name endings it owns, such as (".tflite",)
    precisions  names of the plans that people mostly ask it for, such as ("fp32", "int8")
    runtime     the module that runs its files, so that its own cost can be told from a file's
    half        those of its precisions whose arithmetic is float16: a value beyond 65,504 overflows there
    limit       how it counts the age of a runtime: the command-line option of that name, such as "ios"
    export      (program, plan, path, options) -> None: write one file, all or nothing
    open        (path, threads) -> Session: run the file's signatures
    describe    (path) -> FileCard: what is in the file, read from its bytes
    unsupported (operations) -> those of a model's operations that it cannot write, with the reason
    unrealizable (plan, layers) -> a sentence for each layer whose weight format it cannot store
    is_native   () -> bool: whether `open` runs files with the runtime a phone has: timing means nothing else

It may have

    rewrite     (source, plan, path) -> None: write anybody's float32 file with its weights as planned
    looked_up   (path) -> by signature, the integer inputs that are places in a table, and the table's rows

`checks`, `bench` and `pocketformer.open` know these names and never a format.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from pocketformer.plan import Plan, PlannedLayer
    from pocketformer.program import Program

#: Arrays by name, as a signature takes and returns them.
Arrays = dict[str, np.ndarray]

#: A size that a signature takes or gives in any length.
ANY = -1


@dataclass(frozen=True, slots=True)
class TensorCard:
    """One input or output of a signature: its name, numpy dtype name and shape (`ANY` where it varies)."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    def takes(self, shape: Sequence[int]) -> bool:
        """Whether an array of `shape` fits."""
        return len(shape) == len(self.shape) and all(
            size in (ANY, given) for size, given in zip(self.shape, shape, strict=True)
        )


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
class WeightCard:
    """One stored weight of a file.

    Attributes:
        layer: Name as in `named_modules()` of the checkpoint; "" where the file does not tell.
        format: Name of a `pocketformer.plan.WeightFormat`, as "int4-b32", read from the stored tensors.
        bytes: Of its numbers, scales and palettes.
    """

    layer: str
    format: str
    bytes: int


@dataclass(frozen=True, slots=True)
class RuntimeVerdict:
    """The oldest runtime that loads a file, computed from what is in it.

    Attributes:
        name: What the release counts: "LiteRT", "iOS", "ONNX Runtime".
        release: The oldest one, such as "2.18.0"; None where the tables do not tell.
        reason: What in the file asks for it, such as "EMBEDDING_LOOKUP version 4".
        stated: What the file itself states; None when it states nothing.
        unknown: Operations of the file that no table of releases knows.
    """

    name: str
    release: str | None
    reason: str
    stated: str | None = None
    unknown: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Name and release, as in "iOS 18"."""
        return f"{self.name} {self.release}" if self.release else f"{self.name}, release unknown"


@dataclass(frozen=True, slots=True)
class FileCard:
    """What is in a model file, counted from its bytes."""

    path: str
    format: str
    size_bytes: int
    signatures: tuple[SignatureCard, ...]
    operations: tuple[OperationCard, ...]
    weight_bytes: dict[str, int]  # by dtype, each stored buffer counted once
    runtime: RuntimeVerdict
    labels: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    weights: tuple[WeightCard, ...] = ()
    parts: tuple[str, ...] = ()  # names of further packages beside it that belong to it

    def signature(self, name: str) -> SignatureCard | None:
        """Return the signature called `name`, or None."""
        return next((card for card in self.signatures if card.name == name), None)

    @property
    def foreign_operations(self) -> tuple[OperationCard, ...]:
        """Operations the stock runtime does not have: custom and Flex ones."""
        return tuple(operation for operation in self.operations if not operation.builtin)


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What a file must keep to, beside its precision.

    Attributes:
        oldest_runtime: The oldest runtime it must load on, in the target's own count (`Target.limit`):
            a LiteRT release "2.9", an iOS version "16", an ONNX opset "17". None sets no limit.
        float32_layers: Names of layers, as in `model.named_modules()` of the checkpoint, whose arithmetic
            stays in float32 where the target would compute in float16.
    """

    oldest_runtime: str | None = None
    float32_layers: tuple[str, ...] = ()


#: No limit at all.
NO_OPTIONS = ExportOptions()


@dataclass(frozen=True, slots=True)
class ModelOperation:
    """One kind of operation of a PyTorch model before conversion, and where it first stands."""

    name: str  # such as "aten.layer_norm.default"
    layer: str  # such as "encoder.layer.0.attention.self"
    count: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """An operation that a target cannot write, and what to do."""

    operation: ModelOperation
    reason: str


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

    def trace(self, signature: str, inputs: Mapping[str, np.ndarray]) -> Iterator[tuple[str, np.ndarray]]:
        """Run one signature and yield every float value inside it, in the order they are computed.

        Yields:
            The file's own name of a value, and the value. Which layer made it is for the reader to find.
        """


class Target(Protocol):
    """A file format pocketformer can write, run and describe."""

    suffixes: tuple[str, ...]
    precisions: tuple[str, ...]
    half: tuple[str, ...]
    runtime: str
    limit: str

    def export(
        self, program: Program, plan: Plan | str, path: Path, options: ExportOptions = NO_OPTIONS
    ) -> None:
        """Write `program` to `path` with its weights stored as the plan says.

        Args:
            program: Its weights should lie on the plan's grid (`Program.baked`): what does not is rounded.
            plan: A plan, or the name of one.
            path: Of the file.
            options: What it must keep to.

        Raises:
            ExportError: The target cannot write it, or cannot within the options; nothing is written.
        """

    def open(self, path: Path, threads: int = 1) -> Session:
        """Open a file to run it."""

    def describe(self, path: Path) -> FileCard:
        """Read what is in a file."""

    def unsupported(self, operations: Sequence[ModelOperation]) -> tuple[Refusal, ...]:
        """Return the operations that the target cannot write, without converting anything."""

    def unrealizable(self, plan: Plan, layers: Sequence[PlannedLayer]) -> tuple[str, ...]:
        """Return a sentence for each layer whose weight the target cannot store as planned."""

    def is_native(self) -> bool:
        """Whether `open` runs files with the runtime a phone has; otherwise its speed says nothing."""
