"""Getting an engine's npm packages: from a folder that was given, from the cache, or through npm; checked."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from pocketformer import files
from pocketformer.apps.web.engines import Engine, Package
from pocketformer.errors import FileFormatError, RecipeError

__all__ = ["cache_directory", "engine_files"]

_NPM_SECONDS = 300
_SOURCE_MAP = b"//# sourceMappingURL="


def engine_files(engine: Engine, given: Path | None = None) -> dict[str, bytes]:
    """Return the files of an engine that an app carries.

    Args:
        engine: Which.
        given: A downloaded package file, or the folder of several; None looks in the cache, then asks npm.

    Returns:
        Name in the app's folder `engine/` → content.

    Raises:
        RecipeError: A package is not there and cannot be fetched; the sentence says the two ways to get it.
        FileFormatError: A package is not the one whose digest is pinned.
    """
    found: dict[str, bytes] = {}
    for package in engine.packages:
        content = _given(package, engine, given) if given else _cached(package, engine)
        found |= _taken(package, content)
    return found


def cache_directory() -> Path:
    """Return where downloaded packages are kept between runs, by the system's custom."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA", "") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME", "") or Path.home() / ".cache"
    return Path(base) / "pocketformer" / "npm"


def _given(package: Package, engine: Engine, given: Path) -> Path:
    if not given.exists():
        raise RecipeError(f"{given} does not exist. {_both_ways(engine)}")
    if given.is_file() and len(engine.packages) == 1:
        path = given
    else:  # npm pack leaves the files of one call beside each other
        path = (given if given.is_dir() else given.parent) / package.file_name
    if not path.is_file():
        raise RecipeError(
            f"{engine.title} needs {package.file_name}, which is not in {path.parent}. {_both_ways(engine)}"
        )
    _require_integrity(package, path)
    return path


def _cached(package: Package, engine: Engine) -> Path:
    path = cache_directory() / package.file_name
    if path.is_file() and _integrity(path) == package.integrity:
        return path
    _fetch(package, engine, path)
    return path


def _fetch(package: Package, engine: Engine, path: Path) -> None:
    """Have npm, as it is set up, download a package; keep it in the cache once its digest is right."""
    npm = shutil.which("npm")
    if npm is None:
        raise RecipeError(
            f"The web app needs {package.name} {package.version}, which npm downloads, and npm is not "
            f"installed. {_both_ways(engine)}"
        )
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", f"{package.name}@{package.version}", "--silent", "--ignore-scripts"]
        try:
            done = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, timeout=_NPM_SECONDS, check=False
            )
            reason = f"{done.stderr}\n{done.stdout}".strip().splitlines()[:1] or ["it says nothing more"]
        except subprocess.TimeoutExpired:
            reason = [f"no answer within {_NPM_SECONDS} seconds"]
        downloaded = Path(folder) / package.file_name
        if not downloaded.is_file():
            raise RecipeError(
                f"npm could not download {package.name} {package.version} ({reason[0].strip()}). "
                f"{_both_ways(engine)}"
            )
        _require_integrity(package, downloaded)
        files.write_bytes(path, downloaded.read_bytes())


def _taken(package: Package, path: Path) -> dict[str, bytes]:
    """Return the files that are used, by their names in the app."""
    found = {}
    with tarfile.open(path, "r:gz") as archive:
        for inside, name in package.files.items():
            stream = archive.extractfile(f"package/{inside}")
            assert stream is not None  # the digest is right, so the file is in it
            found[name] = _relative(package, stream.read()) if name.endswith("js") else stream.read()
    return found


def _relative(package: Package, module: bytes) -> bytes:
    """Point a module's bare imports to the files beside it, and drop the address of its source map."""
    for bare, beside in package.imports.items():
        module = module.replace(f'from "{bare}"'.encode(), f'from "{beside}"'.encode())
    lines = module.split(b"\n")
    return b"\n".join(line for line in lines if not line.startswith(_SOURCE_MAP))


def _require_integrity(package: Package, path: Path) -> None:
    found = _integrity(path)
    if found != package.integrity:
        raise FileFormatError(
            f"{path} is not {package.name} {package.version}: its digest is {found}, expected "
            f"{package.integrity}. Download it again: npm pack {package.name}@{package.version}"
        )


def _integrity(path: Path) -> str:
    return f"sha512-{base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()}"


def _both_ways(engine: Engine) -> str:
    names = " ".join(f"{package.name}@{package.version}" for package in engine.packages)
    return (
        f"Either install Node.js with npm and run this again, or download the engine on another machine with "
        f"`npm pack {names}` and give the folder: --engine-package FOLDER"
    )
