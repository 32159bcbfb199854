"""The hidden work folder beside a checkpoint that is being trained: what to resume from, if anything."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError

from pocketformer.errors import PocketformerError
from pocketformer.files import sha256, write_text
from pocketformer.processes import is_first, process_count
from pocketformer.train.result import best_of, epoch_scores

if TYPE_CHECKING:
    from pocketformer.data import LabeledTexts

__all__ = [
    "checkpoint_digest",
    "checkpoint_of_epoch",
    "fingerprint",
    "prepare",
    "resume_point",
    "sentence_for_full_disk",
    "work_folder",
]

_FINGERPRINT = "fingerprint.txt"
# What our own commands record beside a checkpoint: times and the like, nothing that is learned from.
_RECORDS = {"finetune.json", "distill.json", "shrink.json"}
# From the system, and from torch's writer when its last bytes do not arrive.
_FULL_DISK_WORDS = ("No space left on device", "inline_container", "PytorchStreamWriter")


def work_folder(directory: Path) -> Path:
    """Return the work folder for a checkpoint at `directory`: a hidden one beside it."""
    absolute = directory.absolute()
    return absolute.parent / f".{absolute.name}.training"


def fingerprint(checkpoints: Sequence[Path], parts: Sequence[LabeledTexts], *others: str) -> str:
    """Return 64 hex digits that change with the checkpoints' files, the data and other inputs, as text."""
    digest = hashlib.sha256()
    for checkpoint in checkpoints:
        digest.update(checkpoint_digest(checkpoint).encode())
    for part in parts:
        digest.update(json.dumps([part.texts, part.labels, part.multi_label]).encode())
        digest.update(str(part.targets.dtype).encode() + part.targets.tobytes())
    for other in others:
        digest.update(f"{other}\0".encode())
    return digest.hexdigest()


def checkpoint_digest(checkpoint: Path) -> str:
    """Return 64 hex digits that change with the weights, the configuration and the tokenizer."""
    digest = hashlib.sha256()
    for path in sorted(checkpoint.iterdir()):
        if path.suffix in {".json", ".txt", ".safetensors"} and path.name not in _RECORDS:
            digest.update(f"{path.name} {sha256(path)}\n".encode())
    return digest.hexdigest()


def prepare(folder: Path, inputs: str) -> None:
    """Make the work folder ready for training on `inputs` (a fingerprint); other inputs' work is removed.

    The first process does it, the others look whether they see it.

    Raises:
        PocketformerError: This process is on a machine that does not.
    """
    path = folder / _FINGERPRINT
    is_ready = path.is_file() and path.read_text("utf-8") == inputs
    if is_ready:
        return
    if not is_first():
        raise PocketformerError(
            f"The first process wrote {path}, and this one, on another machine, does not see it. The output "
            "has to be on a disk that all machines share, and inputs have to be the same files on all."
        )
    if folder.is_dir():
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_text(path, inputs)


def resume_point(folder: Path) -> tuple[Path, list[dict[str, Any]]] | None:
    """Return the newest complete Trainer checkpoint and its history; half-written ones are removed."""
    checkpoints = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]))
    for checkpoint in reversed(checkpoints):
        history = _history(checkpoint)
        # Trainer never deletes the best epoch's checkpoint.
        if (
            history
            and _has_random_states(checkpoint)
            and checkpoint_of_epoch(folder, history, best_of(epoch_scores(history)).epoch).is_dir()
        ):
            return checkpoint, history
        shutil.rmtree(checkpoint)
    return None


def checkpoint_of_epoch(folder: Path, history: list[dict[str, Any]], epoch: int) -> Path:
    """Return the folder Trainer gave the checkpoint of an epoch counted from 1."""
    step = next(
        entry["step"] for entry in history if "eval_macro_f1" in entry and round(entry["epoch"]) == epoch
    )
    return folder / f"checkpoint-{step}"


@contextmanager
def sentence_for_full_disk(folder: Path) -> Iterator[None]:
    """Say in a sentence that Trainer could not write its state; torch and safetensors say it each their way.

    Raises:
        PocketformerError: The disk is full.
    """
    try:
        yield
    except (RuntimeError, OSError, SafetensorError) as error:
        if not any(words in str(error) for words in _FULL_DISK_WORDS):
            raise
        raise PocketformerError(
            f"Could not write the state of the training into {folder}: no space is left on the disk. Free "
            "some and run the command again: it goes on after the last finished epoch."
        ) from error


def _has_random_states(checkpoint: Path) -> bool:
    """Whether each process has written its own; the first one, which writes the history, waits for none."""
    names = [f"rng_state_{number}.pth" for number in range(process_count())]
    return all((checkpoint / name).is_file() for name in (names if len(names) > 1 else ["rng_state.pth"]))


def _history(checkpoint: Path) -> list[dict[str, Any]]:
    try:
        state = json.loads((checkpoint / "trainer_state.json").read_text("utf-8"))
    except (OSError, ValueError):
        return []
    history: list[dict[str, Any]] = state["log_history"]
    return history
