"""Core ML's protobuf messages, without coremltools' own import: that takes seconds and prints.

The messages lie in the subpackage `coremltools.proto`, whose modules import nothing of coremltools but one
another. They are loaded under a private name. Protobuf keeps one class per message, so what is read here is
at home in coremltools too.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

from pocketformer.errors import MissingExtraError

_PRIVATE_NAME = "_pocketformer_coreml_proto"


def model_messages() -> ModuleType:
    """Return the module of `Model`, the message that a `.mlmodel` file holds.

    Raises:
        MissingExtraError: coremltools is not installed.
    """
    return _messages("Model_pb2")


def program_messages() -> ModuleType:
    """Return the module of `Program`, `Function`, `Operation` and `Value`.

    Raises:
        MissingExtraError: coremltools is not installed.
    """
    return _messages("MIL_pb2")


@cache
def _messages(name: str) -> ModuleType:
    found = importlib.util.find_spec("coremltools")
    if found is None or not found.submodule_search_locations:
        raise MissingExtraError("coreml", "coremltools")
    folder = Path(found.submodule_search_locations[0]) / "proto"
    if (folder / f"{name}.py").is_file():
        _register(folder)
        return importlib.import_module(f"{_PRIVATE_NAME}.{name}")
    logging.getLogger("coremltools").setLevel(logging.ERROR)
    return importlib.import_module(f"coremltools.proto.{name}")


def _register(folder: Path) -> None:
    if _PRIVATE_NAME not in sys.modules:
        package = ModuleType(_PRIVATE_NAME)
        package.__path__ = [str(folder)]
        sys.modules[_PRIVATE_NAME] = package
