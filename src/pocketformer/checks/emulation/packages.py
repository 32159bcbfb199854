"""Fetching an arm64 Linux without root rights: APT downloads and dpkg-deb unpacks, pip brings the wheels."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from pocketformer.errors import EmulationError

__all__ = ["install_wheels", "unpack_system"]

# Python's interpreter and standard library, and what the runtime's own libraries are linked with.
_SYSTEM = ("python3-minimal", "libpython3-stdlib", "libstdc++6")

_GLIBC = ("2_17", "2_27", "2_28", "2_31", "2_34")  # releases that a wheel may be built for

_OTHERWISE = (
    "Or give a folder with an arm64 Linux of your own by --root, such as `mmdebstrap --arch=arm64` or "
    "`docker export` makes (docs/arm64.md)."
)


def unpack_system(folder: Path) -> None:
    """Unpack the arm64 packages of Python and all they depend on into a new folder.

    They come from the sources that this machine's APT is set up with; APT checks their signatures. Nothing of
    the machine's own packages is touched, and no root rights are needed.

    Raises:
        EmulationError: A tool is missing, or APT finds no such packages.
    """
    missing = [tool for tool in ("apt-get", "dpkg-deb") if shutil.which(tool) is None]
    if missing:
        raise EmulationError(
            f"{' and '.join(missing)} {'are' if len(missing) > 1 else 'is'} not on this machine: an arm64 "
            f"Linux is put together from Debian's or Ubuntu's packages. {_OTHERWISE}"
        )
    with tempfile.TemporaryDirectory(prefix="pocketformer-apt-") as name:
        debs = _downloaded(Path(name))
        folder.mkdir()
        for deb in debs:
            _checked(["dpkg-deb", "-x", str(deb), str(folder)], f"{deb.name} cannot be unpacked")


def _downloaded(work: Path) -> list[Path]:
    """Download the packages with an APT that knows of nothing installed, so that nothing is left out."""
    for place in ("state/lists/partial", "cache/archives/partial"):
        (work / place).mkdir(parents=True)
    (work / "status").touch()
    settings = {
        "Dir::State": work / "state",
        "Dir::State::status": work / "status",
        "Dir::Cache": work / "cache",
        "APT::Architecture": "arm64",
        "APT::Architectures::": "arm64",
        "APT::Sandbox::User": "root",  # root's APT would become a user that may not write here
        "Acquire::Languages": "none",
    }
    apt = [
        "apt-get",
        "-qq",
        *(part for name, value in settings.items() for part in ("-o", f"{name}={value}")),
    ]
    # A source without arm64 packages makes this fail, and others may have them all: the next step tells.
    updated = _run([*apt, "update"])
    wanted = ["install", "--yes", "--download-only", "--no-install-recommends", *_SYSTEM]
    done = _run([*apt, *wanted])
    if done.returncode:
        reason = _last_line(updated if updated.returncode else done)
        raise EmulationError(
            f"APT cannot download the arm64 packages of {', '.join(_SYSTEM)}: {reason} Its sources must have "
            f"arm64: Debian's do, Ubuntu keeps that on a mirror of its own (ubuntu-ports). {_OTHERWISE}"
        )
    return sorted((work / "cache/archives").glob("*.deb"))


def install_wheels(folder: Path, pins: Mapping[str, str], python: str) -> None:
    """Install arm64 wheels, in these versions and with what they depend on, into a new folder.

    Args:
        folder: Where they go; a path for `sys.path`.
        pins: Version by package.
        python: Of the Python that will import them, as "3.11".

    Raises:
        EmulationError: pip is missing, or finds no such wheels.
    """
    wanted = [f"{name}=={release}" for name, release in pins.items()]
    platforms = [part for glibc in _GLIBC for part in ("--platform", f"manylinux_{glibc}_aarch64")]
    options = ["--only-binary=:all:", "--implementation=cp", f"--python-version={python}", *platforms]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _checked(
        [*pip, "--target", str(folder), *options, *wanted],
        f"pip cannot fetch the arm64 wheels of {', '.join(wanted)} for Python {python}",
    )


def _checked(command: Sequence[str], failure: str) -> None:
    done = _run(command)
    if done.returncode:
        raise EmulationError(f"{failure}: {_last_line(done)}")


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)


def _last_line(done: subprocess.CompletedProcess[str]) -> str:
    """Return the last thing a tool said, as a sentence."""
    lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    told = [line for line in lines if line.startswith(("E:", "ERROR:"))] or lines or ["it gave no message"]
    return told[-1].rstrip(".") + "."
