"""A half-written file is never seen under its final name."""

from __future__ import annotations

import errno
import hashlib
from pathlib import Path

import pytest

from pocketformer import files
from pocketformer.errors import PocketformerError


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_content_arrives_whole(tmp_path: Path) -> None:
    files.write_bytes(tmp_path / "new" / "model.bin", b"weights")
    assert (tmp_path / "new" / "model.bin").read_bytes() == b"weights"
    assert leftovers(tmp_path / "new") == ["model.bin"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("bug")])
def test_an_interruption_leaves_the_old_file(tmp_path: Path, error: BaseException) -> None:
    final = tmp_path / "model.bin"
    final.write_bytes(b"old")
    with pytest.raises(type(error)), files.atomic_path(final) as temporary:
        temporary.write_bytes(b"half")
        raise error
    assert final.read_bytes() == b"old"
    assert leftovers(tmp_path) == ["model.bin"]


def test_a_full_disk_is_a_sentence_and_nothing_stays(tmp_path: Path) -> None:
    with (
        pytest.raises(PocketformerError, match=r"Could not write .*model\.bin: No space left on device"),
        files.atomic_path(tmp_path / "model.bin") as temporary,
    ):
        temporary.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert leftovers(tmp_path) == []


def test_an_error_that_is_not_the_disks_stays_itself(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), files.atomic_path(tmp_path / "model.bin"):
        (tmp_path / "absent").read_bytes()


def test_a_directory_is_replaced_as_a_whole(tmp_path: Path) -> None:
    final = tmp_path / "checkpoint"
    final.mkdir()
    (final / "old.txt").write_text("old")
    with files.atomic_path(final) as temporary:
        temporary.mkdir()
        (temporary / "new.txt").write_text("new")
    assert leftovers(final) == ["new.txt"]
    assert leftovers(tmp_path) == ["checkpoint"]


def test_a_file_where_a_directory_is_needed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PocketformerError, match="choose another place"):
        files.write_text(tmp_path / "file" / "model.bin", "x")


def test_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc" * 1_000_000)
    assert files.sha256(tmp_path / "a") == hashlib.sha256(b"abc" * 1_000_000).hexdigest()
