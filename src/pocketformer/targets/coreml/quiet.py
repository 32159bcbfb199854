"""coremltools without what it says: warnings, log lines and progress bars."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from importlib import import_module
from types import ModuleType

from pocketformer.quiet import without_chatter

#: Where the converter draws progress, and the name it draws it with.
_PROGRESS = (
    ("coremltools.converters.mil.mil.passes.pass_pipeline", "tqdm"),
    ("coremltools.converters.mil.frontend.torch.ops", "_tqdm"),
)


@cache
def coremltools() -> ModuleType:
    """Import coremltools without its notices on untested versions and missing system libraries.

    Raises:
        ModuleNotFoundError: It is not installed.
    """
    with without_chatter():
        return import_module("coremltools")


@contextmanager
def converting() -> Iterator[None]:
    """Keep everything the converter says to itself, its progress bars included."""
    modules = [(import_module(module), name) for module, name in _PROGRESS]
    drawn = [getattr(module, name) for module, name in modules]
    try:
        for (module, name), bar in zip(modules, drawn, strict=True):
            setattr(module, name, partial(bar, disable=True))
        with without_chatter():
            yield
    finally:
        for (module, name), bar in zip(modules, drawn, strict=True):
            setattr(module, name, bar)
