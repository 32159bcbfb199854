"""Who is told what a search does."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

__all__ = ["Audience", "Nobody"]


class Audience(Protocol):
    """Who is told what a search does; an observer of a pipeline is one."""

    def stage(self, title: str) -> AbstractContextManager[Callable[[float, str], None]]:
        """Begin a trial that lasts as long as the context; it gives a callback for its progress."""

    def say(self, sentence: str) -> None:
        """Report something the person should know."""


class Nobody:
    """An audience that looks away."""

    def stage(self, title: str) -> AbstractContextManager[Callable[[float, str], None]]:
        """Ignore a trial."""
        return nullcontext(lambda fraction, message: None)

    def say(self, sentence: str) -> None:
        """Ignore a sentence."""
