"""A folder of our own on a phone, that is gone when the work is done, fails, or is interrupted."""

from __future__ import annotations

import secrets
import shlex
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from pocketformer import files
from pocketformer.bench.device.adb import Adb
from pocketformer.errors import DeviceError

__all__ = ["PROCESS_FILE", "Workspace", "workspace"]

#: Where the phone's shell may write and run programs.
_PLACE = "/data/local/tmp"
_PREFIX = "pocketformer-"
#: In the folder: the number of the process that runs.
PROCESS_FILE = "process"
_STALE_MINUTES = 180
_ENDING = (signal.SIGTERM, signal.SIGHUP) if sys.platform != "win32" else (signal.SIGTERM,)


class Workspace:
    """The folder, and what is in it."""

    def __init__(self, phone: Adb, folder: str) -> None:
        self.phone = phone
        self.folder = folder

    def path(self, name: str) -> str:
        """Return where a file of the folder is."""
        return f"{self.folder}/{name}"

    def put(self, local: Path, name: str, *, program: bool = False) -> str:
        """Copy a file into the folder, make sure that its bytes have arrived, and return its path.

        Raises:
            DeviceError: The phone has no room, or what arrived is not what was sent.
        """
        remote = self.path(name)
        self.phone.push(local, remote)
        arrived = self.phone.shell(f"sha256sum {shlex.quote(remote)}").split()[:1]
        if arrived != [sent := files.sha256(local)]:
            raise DeviceError(
                f"{local.name} did not arrive on the phone as it was sent: its SHA-256 is "
                f"{''.join(arrived) or 'unknown'}, expected {sent}. Check the cable, run again."
            )
        if program:
            self.phone.shell(f"chmod 755 {shlex.quote(remote)}")
        return remote

    def remove(self) -> None:
        """End what runs in the folder, and delete it."""
        process = shlex.quote(self.path(PROCESS_FILE))
        self.phone.shell(
            f"read -r number < {process} && kill -9 $number; rm -rf {shlex.quote(self.folder)}; "
            f"[ ! -e {shlex.quote(self.folder)} ]"
        )


@contextmanager
def workspace(phone: Adb) -> Iterator[Workspace]:
    """Make a folder on a phone for as long as the block lasts.

    A signal to end is taken like Ctrl-C, so that it leaves nothing behind either. Folders of commands that
    were killed hours ago are swept away first.

    Raises:
        DeviceError: The phone is gone before the folder is deleted.
    """
    space = Workspace(phone, f"{_PLACE}/{_PREFIX}{secrets.token_hex(4)}")
    with _ended_like_interrupted():
        try:
            phone.shell(
                f"find {_PLACE} -maxdepth 1 -name '{_PREFIX}*' -mmin +{_STALE_MINUTES} "
                f"-exec rm -rf {{}} + 2>/dev/null; mkdir {space.folder}"
            )
            yield space
        finally:
            with _undisturbed():
                _remove(space)


def _remove(space: Workspace) -> None:
    try:
        space.remove()
    except DeviceError as error:
        raise DeviceError(
            f"{error} Its folder {space.folder} may be left; delete it with: "
            f"adb -s {space.phone.serial} shell rm -r {space.folder}"
        ) from error


@contextmanager
def _ended_like_interrupted() -> Iterator[None]:
    """Turn the signals that end a program into KeyboardInterrupt, where this thread may."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with _handled(_ENDING, interrupt):
        yield


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let a second Ctrl-C wait for the cleaning up."""
    with _handled((signal.SIGINT, *_ENDING), lambda number, frame: None):
        yield


@contextmanager
def _handled(numbers: tuple[signal.Signals, ...], handler: object) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {number: signal.signal(number, handler) for number in numbers}  # type: ignore[arg-type]
    try:
        yield
    finally:
        for number, old in previous.items():
            signal.signal(number, old)
