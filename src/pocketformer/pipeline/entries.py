"""The entries of an edition: each file is written once, and kept while it is what was recorded of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from pocketformer import files
from pocketformer.bench.footprint import zipped_bytes
from pocketformer.checks import REJECTED_SUFFIX
from pocketformer.edition import EditionFile
from pocketformer.pipeline.ledger import Ledger
from pocketformer.pipeline.observer import Observer
from pocketformer.plan import Plan
from pocketformer.targets import target_of

__all__ = ["kept_or_written"]


def kept_or_written(
    path: Path, format_name: str, plan: Plan, key: str, write: Callable[[], None], observer: Observer
) -> EditionFile:
    """Return the entry of a file that an earlier run wrote from the same inputs, or that is written now.

    Args:
        path: In the edition's directory.
        format_name: Name of its target.
        plan: Of its weights.
        key: Digest of all it depends on.
        write: Writes it, all or nothing.
        observer: Told of it.
    """
    ledger = Ledger(path.parent)
    stage = f"export {path.name}"
    entry = ledger.get(stage, key, EditionFile)
    if entry is not None and _is_intact(path.parent, entry):
        observer.kept(stage)
        return entry
    with observer.stage(stage):
        write()
        files.remove(path.with_name(path.name + REJECTED_SUFFIX))
        entry = _entry(path, format_name, plan)
    ledger.put(stage, key, entry)
    return entry


def _entry(path: Path, format_name: str, plan: Plan) -> EditionFile:
    card = target_of(path).describe(path)
    return EditionFile(
        file=path.name,
        format=format_name,
        precision=plan.name,
        plan=plan,
        size_bytes=card.size_bytes,
        zipped_bytes=sum(zipped_bytes(path.with_name(one)) for one in (path.name, *card.parts)),
        sha256=_digest(path, card.parts),
        signatures=tuple(signature.name for signature in card.signatures),
        operations=sum(operation.count for operation in card.operations),
        weight_bytes=card.weight_bytes,
        oldest_runtime=str(card.runtime),
        parts=card.parts,
    )


def _digest(path: Path, parts: Sequence[str]) -> str:
    """Return the SHA-256 of a file, or of the digests of a file and of the packages that belong to it."""
    digests = [files.sha256(path.with_name(name)) for name in (path.name, *parts)]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


def _is_intact(directory: Path, entry: EditionFile) -> bool:
    there = all((directory / name).exists() for name in (entry.file, *entry.parts))
    return there and _digest(directory / entry.file, entry.parts) == entry.sha256
