"""Pocketformer's evaluator as Core ML, for the stand-in: lines of JSON in two named pipes."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import pocketformer
from pocketformer.errors import PocketformerError
from pocketformer.prediction import TextModel
from pocketformer.targets.coreml.card import read_packages


@dataclass
class Asked:
    """What was asked: signatures loaded, in order; and runs, as signature and the bytes of its inputs."""

    loaded: list[str] = field(default_factory=list)
    runs: set[tuple[str, bytes]] = field(default_factory=set)


class Functions:
    """Runs functions of packages as Core ML would: by a package's path and the configured function name.

    Args:
        seen_as: What the asking side calls a folder.
        folder: That folder.
    """

    def __init__(self, seen_as: str, folder: Path) -> None:
        self._seen_as = seen_as
        self._folder = folder
        self._models: dict[Path, TextModel] = {}
        self._signatures: dict[tuple[Path, str | None], str] = {}
        self.asked = Asked()

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """Load a function, or run it where inputs are given."""
        path = self._folder / Path(question["package"]).relative_to(self._seen_as)
        try:
            model, signature = self._opened(path, question.get("function"))
            if question.get("inputs") is None:
                self.asked.loaded.append(signature)
                return {}
            inputs = {
                name: np.array(tensor["values"], tensor["dtype"]).reshape(tensor["shape"])
                for name, tensor in question["inputs"].items()
            }
            self.asked.runs.add((signature, b"".join(inputs[name].tobytes() for name in sorted(inputs))))
            outputs = model.run(signature, inputs)
        except PocketformerError as error:
            return {"error": str(error)}
        return {"outputs": {name: _tensor(value) for name, value in outputs.items()}}

    def _opened(self, path: Path, function: str | None) -> tuple[TextModel, str]:
        if path not in self._models:
            _, entries = read_packages(path)
            for signature, (package, name) in entries.items():
                if package.path == path:
                    several = bool(package.specification.description.functions)
                    self._signatures[path, name if several else None] = signature
            self._models[path] = pocketformer.open(path)
        if (path, function) not in self._signatures:
            raise PocketformerError(f"{path.name} has no function {function!r}.")
        return self._models[path], self._signatures[path, function]


def _tensor(value: np.ndarray) -> dict[str, Any]:
    return {"dtype": str(value.dtype), "shape": list(value.shape), "values": value.ravel().tolist()}


@contextmanager
def answering(pipes: Path, seen_as: str, folder: Path) -> Iterator[Asked]:
    """Answer at the pipes `questions` and `answers` until the asking side closes them.

    Args:
        pipes: The folder they are made in.
        seen_as: What the asking side calls `folder`, in which all packages lie.
        folder: That folder.
    """
    functions = Functions(seen_as, folder)
    for name in ("questions", "answers"):
        os.mkfifo(pipes / name)
    thread = threading.Thread(target=_serve, args=(pipes, functions), daemon=True)
    thread.start()
    yield functions.asked
    thread.join(timeout=5)  # where nobody has asked, it waits for ever, and ends with the process


def _serve(folder: Path, functions: Functions) -> None:
    with (folder / "questions").open("r") as questions, (folder / "answers").open("w") as answers:
        for line in questions:
            answers.write(json.dumps(functions.answer(json.loads(line))) + "\n")
            answers.flush()
