"""Running a TFLite file by its signatures, with the stock runtime."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from pocketformer.errors import FileFormatError
from pocketformer.quiet import without_chatter
from pocketformer.targets.checking import checked_inputs
from pocketformer.targets.contract import Arrays, FileCard
from pocketformer.targets.litert.card import read_card
from pocketformer.targets.litert.signatures import EntryPoint, entry_points
from pocketformer.targets.litert.tracing import computed_values


class LiteRTSession:
    """An open TFLite file: CPU, XNNPACK, a fixed number of threads."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        self.card: FileCard = read_card(path)
        self._path = path
        self._threads = threads
        self._interpreter = self._opened()
        self._tracer: Any = None
        model = schema.Model.GetRootAs(np.memmap(path, np.uint8, "r"), 0)
        self._entries = {entry.card.name: entry for entry in entry_points(model)}
        self._runners: dict[tuple[int, str], Callable[..., Arrays]] = {}

    def run(self, signature: str, inputs: Mapping[str, np.ndarray]) -> Arrays:
        """Run one signature: arrays by name in, arrays by name out (see `Session.run`)."""
        _, checked = checked_inputs(self.card, signature, inputs)
        return self._run(self._interpreter, signature, checked)

    def trace(self, signature: str, inputs: Mapping[str, np.ndarray]) -> Iterator[tuple[str, np.ndarray]]:
        """Run one signature and yield its float32 values in the order they are computed.

        The same kernels compute them as in `run`, XNNPACK's included; an interpreter of its own, made on
        first use, keeps every value, which takes as much memory as all of them together.

        Yields:
            The tensor's name in the file, or "tensor 123" where it has none, and the value.

        Raises:
            InputError: As `run` does.
        """
        _, checked = checked_inputs(self.card, signature, inputs)
        if self._tracer is None:
            with without_chatter():  # it warns that keeping every value takes memory
                self._tracer = self._opened(experimental_preserve_all_tensors=True)
        self._run(self._tracer, signature, checked)
        subgraph = self._entries[signature].subgraph
        for index, name in computed_values(self._path, subgraph):
            yield name, self._tracer.get_tensor(index, subgraph_index=subgraph)

    def _opened(self, **options: bool) -> Any:
        try:
            return Interpreter(model_path=str(self._path), num_threads=self._threads, **options)
        except (ValueError, RuntimeError) as error:
            raise FileFormatError(
                f"The LiteRT runtime does not open {self._path}: {_first_line(error)}. Export it again, or "
                "use a newer runtime."
            ) from error

    def _run(self, interpreter: Any, signature: str, checked: Arrays) -> Arrays:
        key = (id(interpreter), signature)
        try:
            if key not in self._runners:
                self._runners[key] = _runner(interpreter, self._entries[signature])
            return self._runners[key](**checked)
        except RuntimeError as error:
            raise FileFormatError(
                f"{self.card.path} failed in {signature!r}: {_first_line(error)}"
            ) from error


def _runner(interpreter: Any, entry: EntryPoint) -> Callable[..., Arrays]:
    if not entry.named:
        return partial(_run_unnamed, interpreter, entry)
    runner: Callable[..., Arrays] = interpreter.get_signature_runner(entry.card.name)
    return runner


def _run_unnamed(interpreter: Any, entry: EntryPoint, **inputs: np.ndarray) -> Arrays:
    """Feed a file that has no signatures by the places of its inputs and outputs."""
    arrays = [inputs[tensor.name] for tensor in entry.card.inputs]
    shapes = {details["index"]: tuple(details["shape"]) for details in interpreter.get_input_details()}
    for index, array in zip(entry.inputs, arrays, strict=True):
        if shapes[index] != array.shape:
            interpreter.resize_tensor_input(index, array.shape)
    interpreter.allocate_tensors()
    for index, array in zip(entry.inputs, arrays, strict=True):
        interpreter.set_tensor(index, array)
    interpreter.invoke()
    names = (tensor.name for tensor in entry.card.outputs)
    return {name: interpreter.get_tensor(index) for name, index in zip(names, entry.outputs, strict=True)}


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
