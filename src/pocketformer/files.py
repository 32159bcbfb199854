"""Writing files so that a half-written one is never seen under its final name."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pocketformer.errors import PocketformerError

_CHUNK_BYTES = 1 << 20
_DISK_ERRORS = {
    errno.EACCES, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG,
    errno.ENOSPC, errno.ENOTDIR, errno.ENOTEMPTY, errno.EPERM, errno.EROFS,
}  # fmt: skip


@contextmanager
def atomic_path(final: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `final`; move it there when the block ends, delete it when it fails.

    Works for a file and for a directory: write whichever one to the path given. An existing `final`
    is replaced in one step (file), or set aside and removed after the new one stands (directory).

    Raises:
        PocketformerError: The disk is full, or the place cannot be written to.
    """
    final = Path(final)
    with _sentence_for_disk_errors(final):
        final.parent.mkdir(parents=True, exist_ok=True)
        workspace = Path(tempfile.mkdtemp(prefix=f".{final.name}.", dir=final.parent))
    try:
        temporary = workspace / final.name
        with _sentence_for_disk_errors(final):
            yield temporary
            if final.is_dir():
                final.rename(workspace / "replaced")
            temporary.replace(final)
    finally:
        shutil.rmtree(workspace, ignore_errors=True)


def write_bytes(final: str | Path, content: bytes | memoryview) -> None:
    """Write `content` to `final`, flushed to the disk, all or nothing."""
    with atomic_path(final) as temporary, temporary.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def write_text(final: str | Path, content: str) -> None:
    """Write `content` to `final` as UTF-8, all or nothing."""
    write_bytes(final, content.encode("utf-8"))


def sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file, or of a directory's names and contents, as 64 hex digits."""
    path = Path(path)
    digest = hashlib.sha256()
    if path.is_dir():
        for file in files_in(path):
            digest.update(f"{file.relative_to(path).as_posix()}\0{sha256(file)}\0".encode())
        return digest.hexdigest()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def files_in(path: str | Path) -> list[Path]:
    """Return a file itself, or the files of a directory in the order of their names."""
    path = Path(path)
    return sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]


def size_bytes(path: str | Path) -> int:
    """Return the bytes of a file, or of all files of a directory."""
    return sum(file.stat().st_size for file in files_in(path))


def remove(path: str | Path) -> None:
    """Delete a file or a directory, if it is there."""
    path = Path(path)
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def move(path: str | Path, final: str | Path) -> None:
    """Give a file or a directory another name, in place of what has that name."""
    path, final = Path(path), Path(final)
    if path == final:
        return
    if path.is_dir() or final.is_dir():
        remove(final)
    path.replace(final)


@contextmanager
def _sentence_for_disk_errors(final: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _DISK_ERRORS:
            raise
        reason = error.strerror or str(error)
        raise PocketformerError(
            f"Could not write {final}: {reason}. Nothing was left half-written; "
            "free some space or choose another place, then run the command again."
        ) from error
