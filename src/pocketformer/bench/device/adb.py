"""Talking to a phone through the `adb` command of Android's platform tools.

Protocol and commands: https://developer.android.com/tools/adb
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pocketformer.errors import DeviceError

__all__ = ["Adb", "Attached", "attached", "choose_device", "find_adb"]

_LONGEST_SECONDS = 60
_SDK_VARIABLES = ("ANDROID_HOME", "ANDROID_SDK_ROOT")
_QUOTED_LINES = 6
_USABLE = "device"
_PASSING = ("authorizing", "connecting")
_SETTLING_TRIES, _SETTLING_SECONDS = 20, 0.5
_CURES = {
    "unauthorized": (
        "it has not allowed this computer: unlock it, accept the question about USB debugging, run again"
    ),
    "offline": (
        "adb sees it and it does not answer: replug the cable or run adb kill-server, then run again"
    ),
    "no permissions": (
        "this account may not use the USB port: add it to the group plugdev, or set up udev rules"
    ),
    "recovery": "it is in recovery mode: restart it into Android",
    "sideload": "it is in sideload mode: restart it into Android",
    "bootloader": "it is in its boot loader: restart it into Android",
}


@dataclass(frozen=True, slots=True)
class Attached:
    """A phone that adb lists.

    Attributes:
        serial: What adb calls it, as "R5CT1234" or "192.168.1.7:5555".
        state: "device" where it can be used, else "unauthorized", "offline", ….
        model: As "Pixel_8"; "" where it does not tell.
    """

    serial: str
    state: str
    model: str = ""

    def __str__(self) -> str:
        """Serial, and the model where it is known."""
        return f"{self.serial} ({self.model.replace('_', ' ')})" if self.model else self.serial


class Adb:
    """One phone: run commands on it, copy files to and from it.

    Args:
        command: The `adb` program.
        serial: Which phone.
    """

    def __init__(self, command: Path, serial: str) -> None:
        self._command = command
        self.serial = serial

    def shell(self, script: str, seconds: float = _LONGEST_SECONDS) -> str:
        """Run a script in the phone's shell and return what it printed.

        Raises:
            DeviceError: It failed, took longer than `seconds`, or the phone is gone.
        """
        return self._run(["shell", script], seconds).decode("utf-8", "replace").replace("\r\n", "\n")

    def watched_shell(self, script: str, seconds: float) -> str:
        """Run a script as `shell` does; its standard input ends when it is abandoned, however that comes.

        So the script can notice that this process was killed, or the cable pulled, and clean up by itself.
        """
        reads, writes = os.pipe()
        try:
            printed = self._run(["shell", script], seconds, stdin=reads)
        finally:
            os.close(reads)
            os.close(writes)
        return printed.decode("utf-8", "replace")

    def answer(self, command: str) -> str:
        """Run a command that not every phone has; return what it printed, "" where it failed."""
        return self.shell(f"{command} 2>/dev/null || true")

    def push(self, local: Path, remote: str) -> None:
        """Copy a file to the phone.

        Raises:
            DeviceError: The phone does not take it.
        """
        self._run(["push", str(local), remote], 600)

    def read(self, remote: str) -> bytes:
        """Return the bytes of a file on the phone; where there is none, what the shell said instead."""
        return self._run(["exec-out", f"cat {shlex.quote(remote)}"], _LONGEST_SECONDS)

    def _run(self, arguments: Sequence[str], seconds: float, stdin: int = subprocess.DEVNULL) -> bytes:
        done = _run([str(self._command), "-s", self.serial, *arguments], seconds, stdin)
        if done.returncode == 0:
            return done.stdout
        said = _last_lines(done.stderr) or _last_lines(done.stdout) or "it said nothing"
        raise DeviceError(f"The phone {self.serial} did not do `adb {arguments[0]}`: {said}")


def find_adb() -> Path:
    """Return the `adb` program: on the path, or in the Android SDK.

    Raises:
        DeviceError: It is not installed.
    """
    if found := shutil.which("adb"):
        return Path(found)
    for variable in _SDK_VARIABLES:
        if folder := os.environ.get(variable):
            program = shutil.which("adb", path=str(Path(folder) / "platform-tools"))
            if program:
                return Path(program)
    raise DeviceError(
        "adb is not installed, and a phone is measured through it. Install Android's platform tools "
        "(Debian and Ubuntu: apt install adb; macOS: brew install android-platform-tools), or set "
        "ANDROID_HOME to an Android SDK."
    )


def attached(command: Path) -> tuple[Attached, ...]:
    """Return the phones that adb lists.

    Raises:
        DeviceError: adb does not work.
    """
    done = _run([str(command), "devices", "-l"], _LONGEST_SECONDS)
    if done.returncode != 0:
        raise DeviceError(f"adb does not work: {_last_lines(done.stderr) or 'it said nothing'}")
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    begins = next((place for place, line in enumerate(lines) if line.startswith("List of devices")), -1)
    return tuple(_attached(line) for line in lines[begins + 1 :] if line.strip())


def choose_device(command: Path, serial: str | None = None) -> Adb:
    """Return the one phone that is attached, or the one of several that is asked for.

    Args:
        command: The `adb` program.
        serial: What adb calls the phone; None takes the environment's ANDROID_SERIAL, else the only one.

    Raises:
        DeviceError: There is none, there are several, or it cannot be used.
    """
    listed = _settled(command)
    serial = serial or os.environ.get("ANDROID_SERIAL") or None
    if serial is not None:
        chosen = next((one for one in listed if one.serial == serial), None)
        if chosen is None:
            raise DeviceError(f"adb lists no phone {serial!r}; it lists {_listed(listed)}.")
    elif not listed:
        raise DeviceError(
            "No phone is attached. Turn on its developer options and USB debugging and plug it in, or "
            "connect over Wi-Fi with adb connect ADDRESS:5555; adb devices must list it."
        )
    elif len(usable := [one for one in listed if one.state == _USABLE]) > 1:
        raise DeviceError(f"Several phones are attached; choose one with --serial: {_listed(usable)}.")
    else:
        chosen = (usable or listed)[0]
    if chosen.state != _USABLE:
        cure = _CURES.get(chosen.state, f"adb calls its state {chosen.state!r}")
        raise DeviceError(f"The phone {chosen} cannot be used: {cure}.")
    return Adb(command, chosen.serial)


def _settled(command: Path) -> tuple[Attached, ...]:
    """Return the phones that adb lists, once it has made up its mind about each."""
    listed = attached(command)
    for _ in range(_SETTLING_TRIES):
        if not any(one.state in _PASSING for one in listed):
            break
        time.sleep(_SETTLING_SECONDS)
        listed = attached(command)
    return listed


def _run(
    command: Sequence[str], seconds: float, stdin: int = subprocess.DEVNULL
) -> subprocess.CompletedProcess[bytes]:
    # In a session of its own: Ctrl-C is for this process, which then cleans up on the phone through adb.
    try:
        return subprocess.run(
            command, capture_output=True, check=False, timeout=seconds, start_new_session=True,
            stdin=stdin,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise DeviceError(
            f"The phone did not answer within {seconds:.0f} seconds. Unlock it, check the cable, run again."
        ) from error


def _attached(line: str) -> Attached:
    """Read a line as "SERIAL  STATE product:… model:… device:… transport_id:1"."""
    serial, _, rest = line.strip().partition(" " if "\t" not in line else "\t")
    rest = rest.strip()
    model = next((word.removeprefix("model:") for word in rest.split() if word.startswith("model:")), "")
    state = "no permissions" if rest.startswith("no permissions") else (rest.split() or ["unknown"])[0]
    return Attached(serial, state, model)


def _listed(phones: Sequence[Attached]) -> str:
    return ", ".join(str(phone) for phone in phones) or "none"


def _last_lines(content: bytes) -> str:
    lines = [line.strip() for line in content.decode("utf-8", "replace").splitlines() if line.strip()]
    return " / ".join(lines[-_QUOTED_LINES:])
