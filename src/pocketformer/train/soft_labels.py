"""A teacher's logits of many texts: computed once, kept on disk in shards, shared by all its students."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pocketformer import files
from pocketformer.checkpoint import load_classifier, load_tokenizer
from pocketformer.errors import PocketformerError
from pocketformer.processes import is_first, process_count, process_number, wait_for_all
from pocketformer.train.predict import predict_logits
from pocketformer.train.trainer import OnProgress
from pocketformer.train.work import checkpoint_digest

__all__ = ["SHARD_TEXTS", "soft_labels"]

#: Texts per shard: an interruption loses the work on one.
SHARD_TEXTS = 2048

_Logits = npt.NDArray[np.float32]


def soft_labels(
    teacher: Path, texts: Sequence[str], max_length: int, cache: Path, on_progress: OnProgress | None = None
) -> _Logits:
    """Return the logits a classifier gives for `texts`, float32 `[texts, labels]`; never probabilities.

    Each shard of 2,048 texts is one `.npy` file whose name is a digest of the teacher, the length and the
    texts, so it is computed once, an interrupted call goes on where it was, and texts added at the end leave
    the shards before them as they are. Several processes share the work.

    Args:
        teacher: Directory of the classifier. It reads the texts by its own tokenizer.
        texts: Any number of texts.
        max_length: Tokens per text at most, of the teacher's own.
        cache: Directory of the shards; one for all teachers.
        on_progress: Called with the fraction done, 0 to 1, and a short message.

    Raises:
        CheckpointError: A teacher that cannot be used.
        PocketformerError: The disk is full.
    """
    digest = checkpoint_digest(teacher)
    shards = [
        (cache / digest[:16] / f"{_key(digest, max_length, part)}.npy", part)
        for part in (texts[start : start + SHARD_TEXTS] for start in range(0, len(texts), SHARD_TEXTS))
    ]
    missing = [(path, part) for path, part in shards if _read(path, len(part)) is None]
    wait_for_all()  # a shard written before all have looked would change who computes what
    own = missing[process_number() :: process_count()]
    for done, (path, logits) in enumerate(_computed(teacher, own, max_length), start=1):
        stream = io.BytesIO()
        np.save(stream, logits)
        files.write_bytes(path, stream.getvalue())
        if on_progress is not None and is_first():
            on_progress(done / len(own), f"the teacher read {done:,} of {len(own):,} shards of texts")
    wait_for_all()
    if absent := [path for path, _ in shards if not path.is_file()]:
        raise PocketformerError(
            f"{len(absent)} shards of soft labels, computed by other processes, are not in {cache}. The "
            "output has to be on a disk that all machines share."
        )
    found = [np.load(path) for path, _ in shards]
    return np.concatenate(found) if found else np.empty((0, 0), np.float32)


def _computed(
    teacher: Path, shards: Sequence[tuple[Path, Sequence[str]]], max_length: int
) -> Iterator[tuple[Path, _Logits]]:
    """Yield each shard's path and logits; the teacher is loaded only when there is one."""
    if not shards:
        return
    model, tokenizer = load_classifier(teacher), load_tokenizer(teacher)
    for path, texts in shards:
        yield path, predict_logits(model, tokenizer, texts, max_length)


def _key(teacher: str, max_length: int, texts: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps([teacher, max_length, list(texts)]).encode()).hexdigest()[:32]


def _read(path: Path, count: int) -> _Logits | None:
    """Return a shard that is whole; None for one that is missing or was damaged."""
    if not path.is_file():
        return None
    try:
        logits: _Logits = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError):
        return None
    return logits if logits.ndim == 2 and len(logits) == count else None
