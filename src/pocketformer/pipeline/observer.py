"""Who watches a pipeline: the command line draws it, a test counts it, a library call ignores it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Progress = Callable[[float, str], None]


class Observer(Protocol):
    """What a pipeline tells while it works."""

    def stage(self, title: str) -> AbstractContextManager[Progress]:
        """Begin a piece of work that lasts as long as the context; it gives a callback for its progress."""

    def kept(self, title: str) -> None:
        """Report a piece of work that an earlier run has finished."""

    def say(self, sentence: str) -> None:
        """Report something the person should know."""


class Silent:
    """An observer that looks away."""

    def stage(self, title: str) -> AbstractContextManager[Progress]:
        """Ignore a stage."""
        return _nothing()

    def kept(self, title: str) -> None:
        """Ignore a finished stage."""

    def say(self, sentence: str) -> None:
        """Ignore a sentence."""


@contextmanager
def _nothing() -> Iterator[Progress]:
    yield lambda fraction, message: None
