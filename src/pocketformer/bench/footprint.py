"""Size, load time, memory, processor time and energy of a file, each from a fresh process."""

from __future__ import annotations

import json
import subprocess
import sys
import zlib
from pathlib import Path

from pocketformer import files
from pocketformer.bench.energy import SYSFS
from pocketformer.bench.results import Footprint
from pocketformer.errors import FileFormatError, MissingExtraError

_CHUNK_BYTES = 1 << 20
_ZSTD_LEVEL = 22


def footprint(path: Path, text: str | None, sysfs: Path = SYSFS) -> Footprint:
    """Measure what opening one file and running one text costs; its first signature where there is no text.

    Args:
        path: The file.
        text: A text; None for a file that takes arrays.
        sysfs: The folder that Linux calls `/sys`, for the energy.

    Raises:
        FileFormatError: The file failed in the fresh process.
    """
    given = [str(path), str(sysfs), *([] if text is None else ["text"])]
    worker = subprocess.run(
        [sys.executable, "-m", "pocketformer.bench.probe", *given],
        input=text or "",
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if worker.returncode != 0:
        last = (worker.stderr.strip().splitlines() or ["no message"])[-1]
        raise FileFormatError(f"{path} failed when it was opened in a fresh process: {last}")
    costs = json.loads(worker.stdout)
    return Footprint(
        file=path.name,
        size_bytes=files.size_bytes(path),
        zipped_bytes=zipped_bytes(path),
        load_ms=costs["load_ms"],
        first_text_ms=costs["first_text_ms"],
        memory_bytes=int(costs["memory_bytes"]),
        all_memory_bytes=int(costs["all_memory_bytes"]),
        cpu_percent=costs["cpu_percent"],
        energy_mj=costs["energy_mj"],
        energy_with_idle_mj=costs["energy_with_idle_mj"],
        energy_note=costs["energy_note"],
    )


def zipped_bytes(path: Path) -> int:
    """Return the size of a file or package after deflate, as in a zip: about what a user downloads."""
    return sum(_deflated_bytes(file) for file in files.files_in(path))


def zstd_bytes(path: Path) -> int:
    """Return the size of a file or package after zstd at its highest level, each file on its own.

    Raises:
        MissingExtraError: `zstandard` is not installed.
    """
    try:
        import zstandard
    except ModuleNotFoundError as error:
        raise MissingExtraError("train", "zstandard") from error
    compressor = zstandard.ZstdCompressor(level=_ZSTD_LEVEL)
    return sum(len(compressor.compress(file.read_bytes())) for file in files.files_in(path))


def _deflated_bytes(file: Path) -> int:
    compressor = zlib.compressobj(6)
    total = 0
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            total += len(compressor.compress(chunk))
    return total + len(compressor.flush())
