"""Those who watch a training or a pipeline in tests: they remember what they are told, and can interrupt.

from watching import Interruption, Watcher
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pocketformer.pipeline import Progress


class Interruption:
    """A progress callback that raises KeyboardInterrupt at the first message that starts as given."""

    def __init__(self, message: str) -> None:
        self.message = message
        self.seen: list[str] = []

    def __call__(self, _: float, message: str) -> None:
        self.seen.append(message)
        if message.startswith(self.message):
            raise KeyboardInterrupt


class Watcher:
    """An observer that remembers what was done, kept and said; can be told to interrupt a stage."""

    def __init__(self, interrupt: str = "") -> None:
        self.done: list[str] = []
        self.kept_stages: list[str] = []
        self.said: list[str] = []
        self._interrupt = interrupt

    @contextmanager
    def stage(self, title: str) -> Iterator[Progress]:
        if title == self._interrupt:
            raise KeyboardInterrupt
        yield lambda fraction, message: None
        self.done.append(title)

    def kept(self, title: str) -> None:
        self.kept_stages.append(title)

    def say(self, sentence: str) -> None:
        self.said.append(sentence)
