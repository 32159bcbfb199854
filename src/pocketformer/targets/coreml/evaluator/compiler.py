"""Compiling a function of the program: names to registers, operations to steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from pocketformer.errors import FileFormatError
from pocketformer.targets.coreml.evaluator.arguments import Operand, arguments, check_names, folded
from pocketformer.targets.coreml.evaluator.conform import conforming
from pocketformer.targets.coreml.evaluator.constants import Constant, Constants
from pocketformer.targets.coreml.evaluator.control import CONTROL, control_call
from pocketformer.targets.coreml.evaluator.operations import KERNELS
from pocketformer.targets.coreml.evaluator.plan import (
    Block,
    Call,
    Output,
    Registers,
    Step,
    bound_call,
    preparing,
    runner,
)
from pocketformer.targets.coreml.evaluator.values import TensorType, tensor_type
from pocketformer.targets.coreml.package import block_of, operations_in

#: What the names of a program stand for.
Scope: TypeAlias = dict[str, Operand]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A function ready to run.

    Attributes:
        inputs: Its inputs by name, with their declared types.
        block: Its operations.
        outputs: Names and declared types of its outputs, in the order of `block.outputs`.
        registers: What a run starts with: constants where they are needed, None elsewhere.
    """

    inputs: dict[str, TensorType]
    block: Block
    outputs: tuple[tuple[str, TensorType | None], ...]
    registers: Registers


def compile_function(name: str, function: Any, constants: Constants, float32: bool) -> Compiled:
    """Compile a `Function` message.

    Args:
        name: The function's name, for errors.
        function: The message.
        constants: The package's constants.
        float32: Whether the results of float16 operations are left unrounded.

    Raises:
        FileFormatError: The evaluator does not know one of its operations, or the program is damaged.
    """
    body = block_of(function)
    refuse_unknown(name, body)
    compiler = _Compiler(name, constants, float32)
    inputs: dict[str, TensorType] = {}
    scope: Scope = {}
    for one in function.inputs:
        declared = tensor_type(one.type)
        if declared is None:
            raise FileFormatError(
                f"Input {one.name!r} of function {name!r} is no tensor; the evaluator takes tensors only."
            )
        inputs[one.name] = declared
        scope[one.name] = compiler.new_slot()
    types = {one.name: tensor_type(one.type) for operation in body.operations for one in operation.outputs}
    block = compiler.block(body, scope, tuple(scope.values()))
    outputs = tuple((one, types.get(one, inputs.get(one))) for one in body.outputs)
    return Compiled(inputs, block, outputs, compiler.registers)


def refuse_unknown(name: str, body: Any) -> None:
    """Refuse a function with operations that the evaluator does not run.

    Raises:
        FileFormatError: There are some; the sentence names them all.
    """
    found = [operation.type for operation in operations_in(body)]
    unknown = sorted(set(found) - KERNELS.keys() - CONTROL - {"const"})
    if unknown:
        listed = ", ".join(f"{one} ({found.count(one)})" for one in unknown)
        raise FileFormatError(
            f"Function {name!r} has operations that the evaluator does not run: {listed}. "
            "Run the package on a Mac, or export the model without them."
        )


class _Compiler:
    """Compiles the blocks of one function over one row of registers."""

    def __init__(self, function: str, constants: Constants, float32: bool) -> None:
        self.registers: Registers = []
        self._function = function
        self._constants = constants
        self._float32 = float32

    def new_slot(self, value: Any = None) -> int:
        self.registers.append(value)
        return len(self.registers) - 1

    def block(self, body: Any, outer: Scope, inputs: tuple[Operand, ...] = ()) -> Block:
        """Compile a `Block` message in the scope of what stands around it."""
        scope = dict(outer)
        last = _last_readers(body)
        steps = []
        for place, operation in enumerate(body.operations):
            with preparing(self._label(operation)):
                if operation.type == "const":
                    scope[operation.outputs[0].name] = self._constants.stored(operation.attributes["val"])
                elif operation.type in KERNELS and KERNELS[operation.type].raw:
                    self._fold(operation, scope)
                else:
                    steps.append(self._step(operation, scope, last.get(place, [])))
        outputs = tuple(self._slot(self._find(one, scope, "the end of the block")) for one in body.outputs)
        return Block(tuple(self._slot(one) for one in inputs), tuple(steps), outputs)

    def _step(self, operation: Any, scope: Scope, last_read: list[str]) -> Step:
        label = self._label(operation)
        call, exact = self._call(operation, label, scope)
        spent = [slot for name in last_read if isinstance(slot := scope[name], int)]
        outputs, conform = [], []
        for one in operation.outputs:
            declared = tensor_type(one.type)
            slot = scope[one.name] = self.new_slot()
            outputs.append(Output(one.name, slot, declared is not None and declared.is_float))
            conform.append(conforming(declared, label, rounds=not exact and not self._float32))
        return Step(label, runner(call, conform, [one.slot for one in outputs], spent), tuple(outputs))

    def _call(self, operation: Any, label: str, scope: Scope) -> tuple[Call, bool]:
        """Return what computes an operation, and whether it needs no rounding."""
        if operation.type in CONTROL:
            return self._control(operation, label, scope), True
        kernel = KERNELS[operation.type]
        given = self._operands(operation, label, scope)
        return bound_call(kernel.function, arguments(kernel, given, label)), kernel.exact

    def _control(self, operation: Any, label: str, scope: Scope) -> Call:
        given = self._operands(operation, label, scope)
        operands = [self._slot(one) for several in given.values() for one in several]
        blocks = []
        for body in operation.blocks:
            slots = tuple(self.new_slot() for _ in body.inputs)
            names = (one.name for one in body.inputs)
            blocks.append(self.block(body, {**scope, **dict(zip(names, slots, strict=True))}, slots))
        return control_call(operation.type, operands, blocks)

    def _fold(self, operation: Any, scope: Scope) -> None:
        """Make constants of an operation whose inputs are constants."""
        label, kernel = self._label(operation), KERNELS[operation.type]
        given = self._operands(operation, label, scope)
        check_names(kernel, given, label)
        types = [tensor_type(one.type) for one in operation.outputs]
        results = folded(operation.type, kernel, given, types, label)
        for one, (key, read) in zip(operation.outputs, results, strict=True):
            scope[one.name] = self._constants.derived(key, read)

    def _operands(self, operation: Any, label: str, scope: Scope) -> dict[str, list[Operand]]:
        """Return the inputs, and the attributes that are inputs by another name (iOS 16's constants)."""
        given: dict[str, list[Operand]] = {}
        for name, argument in operation.inputs.items():
            given[name] = [
                self._find(binding.name, scope, f"operation {label}")
                if binding.WhichOneof("binding") == "name"
                else self._constants.stored(binding.value)
                for binding in argument.arguments
            ]
        for name, value in operation.attributes.items():
            if name != "name":
                given[name] = [self._constants.stored(value)]
        return given

    def _find(self, name: str, scope: Scope, reader: str) -> Operand:
        if name not in scope:
            raise FileFormatError(
                f"In function {self._function!r}, {reader} reads {name!r}, which nothing before it computes. "
                "The file is damaged; export it again."
            )
        return scope[name]

    def _slot(self, operand: Operand) -> int:
        return self.new_slot(operand.value) if isinstance(operand, Constant) else operand

    def _label(self, operation: Any) -> str:
        name = operation.outputs[0].name if operation.outputs else ""
        return f"{name!r} ({operation.type}) of function {self._function!r}"


def _last_readers(body: Any) -> dict[int, list[str]]:
    """Return the values of a block that are read for the last time, by the place of the reader."""
    own = {one.name for operation in body.operations for one in operation.outputs} - set(body.outputs)
    last = {
        name: place
        for place, operation in enumerate(body.operations)
        for name in _names_read(operation)
        if name in own
    }
    readers: dict[int, list[str]] = {}
    for name, place in last.items():
        readers.setdefault(place, []).append(name)
    return readers


def _names_read(operation: Any) -> Iterator[str]:
    for argument in operation.inputs.values():
        for binding in argument.arguments:
            if binding.WhichOneof("binding") == "name":
                yield binding.name
    for body in operation.blocks:
        yield from body.outputs
        for inner in body.operations:
            yield from _names_read(inner)
