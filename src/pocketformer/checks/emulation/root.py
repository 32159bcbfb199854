"""A folder with an arm64 Linux: Python, the C library, and wheels of the runtime beside it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from pocketformer import files
from pocketformer.checks.emulation.packages import install_wheels, unpack_system
from pocketformer.errors import EmulationError

__all__ = ["PINNED", "Root", "cached_root", "root_at"]

#: Packages that the emulated Python needs, each in the version that is installed here.
PINNED = ("ai-edge-litert", "numpy")

_OLDEST_PYTHON = (3, 11)
_PYTHON_PLACES = ("usr/bin", "usr/local/bin")
_AARCH64 = 183  # e_machine of an ELF file

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Root:
    """An arm64 Linux in a folder.

    Attributes:
        folder: Stands for `/`.
        python: The Python in it, as a path of this machine.
        libraries: A folder with the packages that Python needs, for arm64.
        bytecode: A folder where Python may keep compiled modules.
    """

    folder: Path
    python: Path
    libraries: Path
    bytecode: Path


def cached_root(say: Say) -> Root:
    """Return the root in the user's cache, made there the first time: about 200 MB, of which 60 are fetched.

    Args:
        say: Told when it is made.

    Raises:
        EmulationError: It cannot be made; the sentence says which step failed and what to do.
    """
    folder = _cache() / "root"
    if not folder.is_dir():
        say(f"Making an arm64 Linux in {folder}, once: about 60 MB by apt-get and pip.")
        with files.atomic_path(folder) as temporary:
            unpack_system(temporary)
            _python_in(temporary)
    return root_at(folder, say)


def root_at(folder: Path, say: Say) -> Root:
    """Return a root that a person has made, as with mmdebstrap; the wheels go into the user's cache.

    Raises:
        EmulationError: It holds no Python for arm64 that is new enough, or the wheels cannot be had.
    """
    folder = folder.resolve()
    python, (major, minor) = _python_in(folder)
    pins = {name: version(name) for name in PINNED}
    named = "-".join(f"{name}-{release}" for name, release in pins.items())
    libraries = _cache() / f"python{major}.{minor}-{named}"
    if not libraries.is_dir():
        say(f"Fetching the arm64 wheels of {', '.join(PINNED)} into {libraries}.")
        with files.atomic_path(libraries) as temporary:
            install_wheels(temporary, pins, f"{major}.{minor}")
    return Root(folder, python, libraries, _cache() / "bytecode")


def _python_in(folder: Path) -> tuple[Path, tuple[int, int]]:
    """Return the newest Python of a root and its version."""
    found = {}
    for place in _PYTHON_PLACES:
        for path in (folder / place).glob("python3.*"):
            minor = path.name.removeprefix("python3.")
            if minor.isdigit() and path.is_file():
                found[3, int(minor)] = path
    newest = max(found, default=(0, 0))
    if newest < _OLDEST_PYTHON:
        held = f"Python {newest[0]}.{newest[1]}" if found else "no Python"
        raise EmulationError(
            f"{folder} holds {held} in {' or '.join(_PYTHON_PLACES)}; Python "
            f"{_OLDEST_PYTHON[0]}.{_OLDEST_PYTHON[1]} or newer for arm64 is needed there. Give a folder "
            "with an arm64 Linux, such as `mmdebstrap --arch=arm64` makes, or leave --root out."
        )
    machine = int.from_bytes(_header(found[newest])[18:20], "little")
    if machine != _AARCH64:
        raise EmulationError(
            f"{found[newest]} is no arm64 program, so {folder} is the root of another architecture. Give one "
            "of arm64, or leave --root out."
        )
    return found[newest], newest


def _header(program: Path) -> bytes:
    with program.open("rb") as stream:
        return stream.read(20)


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "pocketformer" / "arm64"
