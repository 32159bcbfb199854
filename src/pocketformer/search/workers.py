"""Who runs a trial, and whether that process is still alive."""

from __future__ import annotations

import os
import platform
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optuna import Trial
    from optuna.trial import FrozenTrial

__all__ = ["BEAT", "WORKER", "Absences", "heartbeat", "this_worker"]

#: Attributes of a running trial: its worker, and a number that rises while the worker lives.
WORKER, BEAT = "worker", "beat"

_BEAT_SECONDS = 20.0
_GRACE_SECONDS = 180.0
_NAMESPACE = Path("/proc/self/ns/pid")


def this_worker() -> dict[str, Any]:
    """Return who runs here: the machine, the process and a mark of this one search in it."""
    # Containers may share a machine's name and all have a process number 1.
    namespace = _NAMESPACE.stat().st_ino if _NAMESPACE.exists() else 0
    return {"host": f"{platform.node()}/{namespace}", "process": os.getpid(), "mark": uuid.uuid4().hex}


@contextmanager
def heartbeat(trial: Trial, seconds: float = _BEAT_SECONDS) -> Iterator[None]:
    """Raise a number in the storage every `seconds` for as long as the block runs.

    It is written as an attribute of the trial, because Optuna's own heartbeat works in databases only.
    """
    from optuna.exceptions import OptunaError

    stopped = threading.Event()

    def beat() -> None:
        count = 0
        while not stopped.wait(seconds):
            count += 1
            # A storage that is away for a moment is no reason to end a training; the next beat will do.
            with suppress(OptunaError, OSError):
                trial.set_user_attr(BEAT, count)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


class Absences:
    """Finds running trials whose worker is gone: its process on this machine, or its heartbeat elsewhere.

    Heartbeats are compared with themselves by our own clock, so those of other machines need not agree.

    Args:
        worker: Who asks.
        grace_seconds: How long a heartbeat may be still.
    """

    def __init__(self, worker: dict[str, Any], grace_seconds: float = _GRACE_SECONDS) -> None:
        self._worker = worker
        self._grace_seconds = grace_seconds
        self._seen: dict[int, tuple[Any, float]] = {}

    def among(self, running: Iterable[FrozenTrial]) -> list[FrozenTrial]:
        """Return the trials that nobody runs any more."""
        return [trial for trial in running if self._is_lost(trial)]

    def _is_lost(self, trial: FrozenTrial) -> bool:
        owner = trial.user_attrs.get(WORKER)
        if owner == self._worker:
            return False
        if owner and owner["host"] == self._worker["host"] and _is_gone(owner["process"]):
            return True
        beat, since = self._seen.get(trial.number, (None, 0.0))
        now, current = time.monotonic(), (owner, trial.user_attrs.get(BEAT))
        if beat != current:
            self._seen[trial.number] = (current, now)
            return False
        return now - since > self._grace_seconds


def _is_gone(process: int) -> bool:
    """Whether a process of this machine has ended; our own number means one before us had it."""
    if process == os.getpid():
        return True
    if os.name != "posix":  # elsewhere the question itself would end the process
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
