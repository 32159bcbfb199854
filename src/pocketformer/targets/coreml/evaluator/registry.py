"""The operations the evaluator runs, by their name in the program.

An operation is a plain function over arrays whose parameters have the names that the program gives to its
inputs. How a parameter is annotated says what it takes:

    Array              the value as it flows
    Arrays             one or several values, as a tuple
    int, float, bool, str, Ints, Bools    a setting, as Python values

A setting that is constant in the program, as nearly all are, is converted once when the program is opened.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import numpy as np

Array: TypeAlias = np.ndarray
Arrays: TypeAlias = tuple[np.ndarray, ...]
Ints: TypeAlias = tuple[int, ...]
Bools: TypeAlias = tuple[bool, ...]

_Function = TypeVar("_Function", bound=Callable[..., Any])
_REQUIRED = inspect.Parameter.empty


@dataclass(frozen=True, slots=True)
class Parameter:
    """One input of an operation.

    Attributes:
        default: Value when the program does not give it; `inspect.Parameter.empty` when it must.
        setting: Makes a Python value of an array; None where the array itself is wanted.
        several: Whether it takes a tuple of values.
    """

    default: Any
    setting: Callable[[Any], Any] | None
    several: bool

    @property
    def required(self) -> bool:
        """Whether the program must give it."""
        return self.default is _REQUIRED


@dataclass(frozen=True, slots=True)
class Kernel:
    """How an operation is computed.

    Attributes:
        function: Takes the parameters in their order.
        parameters: By the names the program uses.
        exact: Whether the numbers that come out are numbers that went in, or small integers: then float16
            needs no rounding.
        raw: Whether constants come in the dtype they are stored in, and the result is a constant itself.
    """

    function: Callable[..., Any]
    parameters: Mapping[str, Parameter]
    exact: bool
    raw: bool


KERNELS: dict[str, Kernel] = {}


def operation(*names: str, exact: bool = False, raw: bool = False) -> Callable[[_Function], _Function]:
    """Register a function as the operation of these names."""

    def register(function: _Function) -> _Function:
        kernel = Kernel(function, _parameters(function), exact, raw)
        for name in names:
            _add(name, kernel)
        return function

    return register


def elementwise(functions: Mapping[str, Callable[..., Any]], *parameters: str, exact: bool = False) -> None:
    """Register numpy's own functions, whose parameters cannot be inspected, by operation."""
    arrays = dict.fromkeys(parameters, Parameter(_REQUIRED, None, False))
    for name, function in functions.items():
        _add(name, Kernel(function, arrays, exact, False))


def _add(name: str, kernel: Kernel) -> None:
    if name in KERNELS:
        raise ValueError(f"The operation {name!r} is registered twice.")
    KERNELS[name] = kernel


def _parameters(function: Callable[..., Any]) -> dict[str, Parameter]:
    hints = typing.get_type_hints(function)
    return {
        name: _parameter(hints[name], parameter.default)
        for name, parameter in inspect.signature(function).parameters.items()
    }


def _parameter(hint: Any, default: Any) -> Parameter:
    if isinstance(hint, types.UnionType):
        (hint,) = (one for one in hint.__args__ if one is not types.NoneType)
    return Parameter(default, _SETTINGS.get(hint), hint == Arrays)


def _ints(value: Any) -> Ints:
    return tuple(int(number) for number in np.reshape(value, -1))


def _bools(value: Any) -> Bools:
    return tuple(bool(number) for number in np.reshape(value, -1))


_SETTINGS: dict[Any, Callable[[Any], Any]] = {
    int: lambda value: int(np.asarray(value).item()),
    float: lambda value: float(np.asarray(value).item()),
    bool: lambda value: bool(np.asarray(value).item()),
    str: str,
    Ints: _ints,
    Bools: _bools,
}
