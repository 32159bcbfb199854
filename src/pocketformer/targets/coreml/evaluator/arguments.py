"""Binding what a program gives an operation to the parameters of the function that computes it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any, TypeAlias

from pocketformer.errors import FileFormatError
from pocketformer.targets.coreml.evaluator.conform import conforming
from pocketformer.targets.coreml.evaluator.constants import Constant
from pocketformer.targets.coreml.evaluator.plan import Argument, preparing
from pocketformer.targets.coreml.evaluator.registry import Kernel, Parameter
from pocketformer.targets.coreml.evaluator.values import TensorType, Value

#: What a name of the program stands for: a register, or a constant.
Operand: TypeAlias = int | Constant
Given: TypeAlias = Mapping[str, list[Operand]]


def arguments(kernel: Kernel, given: Given, label: str) -> list[Argument]:
    """Return the arguments of a kernel in the order of its parameters.

    Raises:
        FileFormatError: An input is missing, or is one that the evaluator does not know.
    """
    check_names(kernel, given, label)
    return [
        _argument(parameter, given[name], f"{name!r} of operation {label}")
        if name in given
        else Argument(parameter.default)
        for name, parameter in kernel.parameters.items()
    ]


def check_names(kernel: Kernel, given: Given, label: str) -> None:
    """Refuse inputs that are missing, or that the evaluator does not know.

    Raises:
        FileFormatError: There are some.
    """
    unknown = ", ".join(sorted(given.keys() - kernel.parameters.keys()))
    if unknown:
        raise FileFormatError(
            f"Operation {label} has inputs that the evaluator does not know: {unknown}. "
            "Run the package on a Mac."
        )
    missing = ", ".join(
        name for name, parameter in kernel.parameters.items() if parameter.required and name not in given
    )
    if missing:
        raise FileFormatError(
            f"Operation {label} lacks its input {missing}. The file is damaged; export it again."
        )


def folded(
    kind: str, kernel: Kernel, given: Given, types: list[TensorType | None], label: str
) -> Iterator[tuple[Hashable, Callable[[], Value]]]:
    """Yield, for each output of an operation over constants, a key and what computes it.

    Equal constants give equal keys, so that functions with the same weights share them decompressed.

    Raises:
        FileFormatError: One of the inputs is no constant.
    """
    constants: dict[str, Constant] = {}
    for name, operands in given.items():
        if len(operands) != 1 or not isinstance(operands[0], Constant):
            raise FileFormatError(
                f"Operation {label} takes constants only, and its input {name!r} is none. Export it again."
            )
        constants[name] = operands[0]

    def compute() -> Any:
        return kernel.function(
            *(
                _as_setting(parameter, constants[name].read()) if name in constants else parameter.default
                for name, parameter in kernel.parameters.items()
            )
        )

    key = kind, tuple(sorted((name, constant.key) for name, constant in constants.items()))
    for place, declared in enumerate(types):
        yield (key, place), _part(compute, place, len(types), declared, label)


def _part(
    compute: Callable[[], Any], place: int, count: int, declared: TensorType | None, label: str
) -> Callable[[], Value]:
    def read() -> Value:
        with preparing(label):
            value = compute() if count == 1 else compute()[place]
            conforming(declared, label, rounds=False)(value)
        return value

    return read


def _argument(parameter: Parameter, operands: list[Operand], label: str) -> Argument:
    parts = [_one(parameter, operand) for operand in operands]
    if parameter.several:
        return Argument.several(parts)
    if len(parts) != 1:
        raise FileFormatError(f"{label} stands for {len(parts)} values, expected one. Export it again.")
    return parts[0]


def _one(parameter: Parameter, operand: Operand) -> Argument:
    if isinstance(operand, int):
        return Argument.register(operand, parameter.setting)
    if parameter.setting is not None:
        return Argument(_as_setting(parameter, operand.read()))
    return Argument(operand.value)


def _as_setting(parameter: Parameter, value: Value) -> Value:
    return value if parameter.setting is None else parameter.setting(value)
