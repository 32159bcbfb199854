"""The evaluator: a package's functions, run from its saved bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from pocketformer.errors import InputError
from pocketformer.targets.contract import Arrays
from pocketformer.targets.coreml.evaluator.compiler import Compiled, compile_function
from pocketformer.targets.coreml.evaluator.constants import Constants
from pocketformer.targets.coreml.evaluator.plan import Registers, execute
from pocketformer.targets.coreml.evaluator.values import TensorType, Value, carry
from pocketformer.targets.coreml.package import Package


class Evaluator:
    """Runs the functions of a Core ML package with numpy and torch.

    What the program says is float16 is computed in float32 and rounded once per operation; integers stay as
    wide as they are declared. A function is compiled when it is first run, and constants are decoded once.

    Args:
        package: From `read_package`.
        float32: Leave the results of float16 operations unrounded: what error remains is the weights' own.
        threads: Threads that torch may use during a run.
    """

    def __init__(self, package: Package, float32: bool = False, threads: int = 1) -> None:
        self._package = package
        self._float32 = float32
        self._threads = threads
        self._constants = Constants(package.weights)
        self._compiled: dict[str, Compiled] = {}

    def compile(self, function: str) -> None:
        """Make a function ready to run, as its first run would.

        Raises:
            InputError: There is no such function.
            FileFormatError: It has operations that the evaluator does not run (all are named), or is damaged.
        """
        self._function(function)

    def run(self, function: str, inputs: Mapping[str, np.ndarray]) -> Arrays:
        """Run a function.

        Args:
            function: Its name, one of `package.functions`.
            inputs: Arrays by name, of the declared shapes and dtypes.

        Returns:
            Its outputs by name in their declared dtypes; with `float32`, float16 outputs come as float32.

        Raises:
            InputError: No such function, inputs that do not fit it, or an index outside what it reads.
            FileFormatError: The evaluator cannot run the function; the sentence names the operation.
        """
        compiled = self._function(function)
        registers = self._entered(function, compiled, inputs)
        with self._computing():
            values = compiled.block.run(registers)
        return {
            name: self._leaving(value, declared)
            for (name, declared), value in zip(compiled.outputs, values, strict=True)
        }

    def trace(self, function: str, inputs: Mapping[str, np.ndarray]) -> Iterator[tuple[str, np.ndarray]]:
        """Run a function and yield every float value that its operations compute, in their order.

        Constants are not computed, and of a loop or a branch only the result is seen.

        Yields:
            The value's name in the file, and a float32 array, of float16 values too.

        Raises:
            InputError: As `run`.
            FileFormatError: As `run`.
        """
        compiled = self._function(function)
        registers = self._entered(function, compiled, inputs)
        for step in compiled.block.steps:
            with self._computing():
                execute((step,), registers)
            for output in step.outputs:
                if output.is_float:
                    yield output.name, np.array(registers[output.slot])

    def _function(self, name: str) -> Compiled:
        if name not in self._compiled:
            if name not in self._package.functions:
                known = ", ".join(self._package.functions) or "none"
                raise InputError(f"{self._package.path} has no function {name!r}; it has: {known}.")
            message = self._package.functions[name]
            self._compiled[name] = compile_function(name, message, self._constants, self._float32)
        return self._compiled[name]

    def _entered(self, function: str, compiled: Compiled, inputs: Mapping[str, np.ndarray]) -> Registers:
        unknown = ", ".join(sorted(inputs.keys() - compiled.inputs.keys()))
        if unknown:
            raise InputError(
                f"Function {function!r} takes {', '.join(compiled.inputs)}; {unknown} was given as well."
            )
        registers = compiled.registers.copy()
        for slot, (name, declared) in zip(compiled.block.inputs, compiled.inputs.items(), strict=True):
            if name not in inputs:
                raise InputError(f"Function {function!r} needs the input {name!r} ({declared}).")
            array = np.asarray(inputs[name])
            if array.dtype != declared.stored or not declared.fits(array.shape):
                raise InputError(
                    f"Input {name!r} of function {function!r} is {array.dtype} {list(array.shape)}; "
                    f"expected {declared}."
                )
            registers[slot] = carry(np.array(array, order="C"))  # a copy of ours: contiguous and writable
        return registers

    def _leaving(self, value: Value, declared: TensorType | None) -> Any:
        """Return an output as the caller's own, never a view of a constant."""
        if declared is None or declared.dtype == "string":
            return value
        return np.array(value, declared.carried if self._float32 else declared.stored)

    @contextmanager
    def _computing(self) -> Iterator[None]:
        """Compute with our own count of threads; infinities and NaN are results here, not warnings."""
        threads = torch.get_num_threads()
        if threads != self._threads:
            torch.set_num_threads(self._threads)
        try:
            with np.errstate(all="ignore"), torch.inference_mode():
                yield
        finally:
            if threads != self._threads:
                torch.set_num_threads(threads)
