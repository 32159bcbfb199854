"""Running a Core ML package by its signatures: by Apple's runtime on a Mac, elsewhere by the evaluator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pocketformer.errors import FileFormatError
from pocketformer.quiet import without_chatter
from pocketformer.targets.checking import checked_inputs
from pocketformer.targets.contract import Arrays, FileCard
from pocketformer.targets.coreml import is_native
from pocketformer.targets.coreml.card import read_packages
from pocketformer.targets.coreml.evaluator import Evaluator
from pocketformer.targets.coreml.quiet import coremltools


class CoreMLSession:
    """An open Core ML package, and those that belong to it.

    Args:
        path: The package.
        threads: Threads that the evaluator may use.
        float32: Leave results of float16 operations unrounded; always runs in the evaluator.
    """

    def __init__(self, path: Path, threads: int = 1, float32: bool = False) -> None:
        self.card: FileCard
        self.card, self._entries = read_packages(path)
        self._threads = threads
        self._float32 = float32
        self._native = is_native() and not float32
        self._evaluators: dict[Path, Evaluator] = {}
        self._models: dict[str, Any] = {}
        if not self._native:
            for signature in self._entries:
                evaluator, function = self._evaluator(signature)
                evaluator.compile(function)

    def run(self, signature: str, inputs: Mapping[str, np.ndarray]) -> Arrays:
        """Run one signature: arrays by name in, arrays by name out (see `Session.run`)."""
        _, checked = checked_inputs(self.card, signature, inputs)
        if self._native:
            return self._predicted(signature, checked)
        evaluator, function = self._evaluator(signature)
        return evaluator.run(function, checked)

    def trace(self, signature: str, inputs: Mapping[str, np.ndarray]) -> Iterator[tuple[str, np.ndarray]]:
        """Run one signature in the evaluator and yield its float values (see `Session.trace`).

        Apple's runtime shows no values between operations, so the evaluator runs on a Mac as well.
        """
        _, checked = checked_inputs(self.card, signature, inputs)
        evaluator, function = self._evaluator(signature)
        yield from evaluator.trace(function, checked)

    def _evaluator(self, signature: str) -> tuple[Evaluator, str]:
        package, function = self._entries[signature]
        if package.path not in self._evaluators:
            self._evaluators[package.path] = Evaluator(package, self._float32, self._threads)
        return self._evaluators[package.path], function

    def _predicted(self, signature: str, checked: Arrays) -> Arrays:
        if signature not in self._models:
            package, function = self._entries[signature]
            named = {"function_name": function} if package.specification.description.functions else {}
            ct = coremltools()
            try:
                with without_chatter():
                    self._models[signature] = ct.models.MLModel(str(package.path), **named)
            except RuntimeError as error:
                raise FileFormatError(f"Core ML does not open {package.path}: {error}") from error
        card = self.card.signature(signature)
        assert card is not None  # `checked_inputs` found it
        given = self._models[signature].predict(checked)
        return {tensor.name: np.asarray(given[tensor.name], _dtype(tensor.dtype)) for tensor in card.outputs}


def _dtype(name: str) -> Any:
    """Return the numpy dtype of a card's; strings and dictionaries stay what they are."""
    try:
        return np.dtype(name)
    except TypeError:
        return np.dtype(object)
