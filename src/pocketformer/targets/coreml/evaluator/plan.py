"""Turning a function of the program into a list of Python closures over numbered registers.

Names are resolved, constants and settings are bound, and the last reader of a value is known before the
first run; a run then costs each operation little more than its arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

from pocketformer.errors import FileFormatError, InputError
from pocketformer.targets.coreml.evaluator.values import Value

Registers: TypeAlias = list[Value]
Call: TypeAlias = Callable[[Registers], Any]
Conform: TypeAlias = Callable[[Value], Value]

_FAILURES = (
    ArithmeticError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    RuntimeError,
    MemoryError,
)


@dataclass(frozen=True, slots=True)
class Output:
    """One output of an operation: its name in the file, its register, and whether it is floating point."""

    name: str
    slot: int
    is_float: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One operation, ready to run."""

    label: str  # such as "'logits' (linear)"
    run: Callable[[Registers], None]
    outputs: tuple[Output, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A sequence of operations, and the registers of what goes in and comes out."""

    inputs: tuple[int, ...]
    steps: tuple[Step, ...]
    outputs: tuple[int, ...]

    def run(self, registers: Registers) -> tuple[Value, ...]:
        """Run all operations and return the outputs.

        Raises:
            InputError: An index lies outside what it reads.
            FileFormatError: An operation cannot be computed, or gives another shape than is declared.
        """
        execute(self.steps, registers)
        return tuple(registers[slot] for slot in self.outputs)


def execute(steps: Iterable[Step], registers: Registers) -> None:
    """Run steps in their order; a failure names the operation (see `Block.run`)."""
    step: Step | None = None
    try:
        for step in steps:
            step.run(registers)
    except _FAILURES as error:
        if step is None:
            raise
        raise failure(step.label, error) from error


def failure(label: str, error: Exception) -> Exception:
    """Return the sentence for an operation that could not be computed."""
    if isinstance(error, IndexError):
        return InputError(f"Operation {label} {error}. On a phone this may crash or read garbage.")
    return FileFormatError(f"Operation {label} cannot be computed: {error or type(error).__name__}.")


@contextmanager
def preparing(label: str) -> Iterator[None]:
    """Name the operation that cannot be made ready to run.

    Raises:
        FileFormatError: What it is given makes no sense.
    """
    try:
        yield
    except _FAILURES as error:
        raise FileFormatError(
            f"Operation {label} makes no sense: {error or type(error).__name__}. "
            "The file is damaged, or was changed by hand; export it again."
        ) from error


def runner(call: Call, conform: Sequence[Conform], slots: Sequence[int], spent: Sequence[int]) -> Call:
    """Return a closure that computes an operation, checks its outputs and stores them.

    Args:
        call: Computes the operation from the registers.
        conform: For each output, checks and rounds it.
        slots: Their registers.
        spent: Registers that no later operation reads.
    """
    if len(slots) == 1:
        (only,), (slot,) = conform, slots

        def run_one(registers: Registers) -> None:
            registers[slot] = only(call(registers))
            for one in spent:
                registers[one] = None

        return run_one

    outputs = tuple(zip(slots, conform, strict=True))

    def run_several(registers: Registers) -> None:
        for (target, check), value in zip(outputs, call(registers), strict=True):
            registers[target] = check(value)
        for one in spent:
            registers[one] = None

    return run_several


def bound_call(function: Callable[..., Any], arguments: Sequence[Argument]) -> Call:
    """Return a closure that calls `function` with constants and registers."""
    fixed = [argument.value for argument in arguments]
    moving = [place for place, argument in enumerate(arguments) if argument.get is not None]
    slots = [slot for place in moving if (slot := arguments[place].slot) is not None]
    if not len(slots) == len(moving) in (1, 2) or moving[-1] - moving[0] != len(moving) - 1:
        getters = [(place, get) for place in moving if (get := arguments[place].get) is not None]

        def call_any(registers: Registers) -> Any:
            values = fixed.copy()
            for place, get in getters:
                values[place] = get(registers)
            return function(*values)

        return call_any
    head, tail = fixed[: moving[0]], fixed[moving[-1] + 1 :]
    if len(moving) == 1:
        (slot,) = slots
        return lambda registers: function(*head, registers[slot], *tail)
    first, second = slots
    return lambda registers: function(*head, registers[first], registers[second], *tail)


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a call: a fixed value, or a getter; `slot` where it merely reads a register."""

    value: Any = None
    get: Call | None = None
    slot: int | None = None

    @classmethod
    def register(cls, slot: int, setting: Callable[[Any], Any] | None = None) -> Argument:
        """Return the argument that reads a register, as it is or made into a setting."""
        if setting is None:
            return cls(get=lambda registers: registers[slot], slot=slot)
        return cls(get=lambda registers: setting(registers[slot]))

    @classmethod
    def several(cls, parts: Sequence[Argument]) -> Argument:
        """Return the argument that is a tuple of others."""
        if all(part.get is None for part in parts):
            return cls(value=tuple(part.value for part in parts))

        def gather(registers: Registers) -> tuple[Any, ...]:
            return tuple([part.value if part.get is None else part.get(registers) for part in parts])

        return cls(get=gather)
