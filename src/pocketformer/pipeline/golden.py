"""The golden vectors of an edition: made once from its checkpoint, and asked of each of its files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pocketformer import files
from pocketformer.checks import GOLDEN_FILE, Golden, Verdict, check_golden, make_golden
from pocketformer.pipeline.ledger import Ledger, key_of
from pocketformer.pipeline.observer import Observer
from pocketformer.prediction import open as open_model

_SHOWN = 3  # misses told of one file

__all__ = ["asked_golden", "write_golden"]


def write_golden(
    source: str, name: str, shapes: tuple[tuple[int, ...], int], directory: Path, key: str, observer: Observer
) -> Path:
    """Write `golden.json` into an edition, or keep the one that an earlier run wrote.

    Args:
        source: The checkpoint.
        name: Name of the edition.
        shapes: Tokens per id signature, ascending, and bytes of text that are read.
        directory: Where the edition is.
        key: Digest of everything the files depend on.
        observer: Told of it.
    """
    path = directory / GOLDEN_FILE
    ledger = Ledger(directory)
    stage, key = f"write {GOLDEN_FILE}", key_of(key, name, shapes)
    written = ledger.get(stage, key, str)
    if written is not None and path.is_file() and files.sha256(path) == written:
        observer.kept(stage)
        return path
    with observer.stage(stage):
        make_golden(source, name, *shapes).save(path)
    ledger.put(stage, key, files.sha256(path))
    return path


def asked_golden(verdict: Verdict, golden: Golden) -> Verdict:
    """Return the verdict on a file with what it makes of the golden texts."""
    misses = check_golden(open_model(Path(verdict.path)), golden)
    told = [str(miss) for miss in misses[:_SHOWN]]
    if len(misses) > _SHOWN:
        told.append(f"{len(misses) - _SHOWN} more golden texts are off.")
    return replace(
        verdict,
        misses=(*verdict.misses, *told),
        golden_texts=len(golden.cases),
        golden_misses=len(misses),
    )
