"""The hidden work folder beside a checkpoint that is being trained: what to resume from, if anything."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocketformer.files import sha256, write_text
from pocketformer.train.result import best_of, epoch_scores

if TYPE_CHECKING:
    from pocketformer.data import LabeledTexts
    from pocketformer.train.settings import FinetuneSettings

__all__ = ["checkpoint_of_epoch", "fingerprint", "prepare", "resume_point", "work_folder"]

_FINGERPRINT = "fingerprint.txt"


def work_folder(directory: Path) -> Path:
    """Return the work folder for a checkpoint at `directory`: a hidden one beside it."""
    absolute = directory.absolute()
    return absolute.parent / f".{absolute.name}.training"


def fingerprint(base: Path, train: LabeledTexts, dev: LabeledTexts, settings: FinetuneSettings) -> str:
    """Return 64 hex digits that change with the base's files, the data or the settings."""
    digest = hashlib.sha256()
    for path in sorted(base.iterdir()):
        if path.suffix in {".json", ".txt", ".safetensors"}:
            digest.update(f"{path.name} {sha256(path)}\n".encode())
    for part in (train, dev):
        digest.update(json.dumps([part.texts, part.labels, part.multi_label]).encode())
        digest.update(str(part.targets.dtype).encode() + part.targets.tobytes())
    digest.update(settings.model_dump_json().encode())
    return digest.hexdigest()


def prepare(folder: Path, inputs: str) -> None:
    """Make the work folder ready for training on `inputs` (a fingerprint); other inputs' work is removed."""
    path = folder / _FINGERPRINT
    if folder.is_dir() and not (path.is_file() and path.read_text("utf-8") == inputs):
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_text(path, inputs)


def resume_point(folder: Path) -> tuple[Path, list[dict[str, Any]]] | None:
    """Return the newest complete Trainer checkpoint and its history; half-written ones are removed."""
    checkpoints = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]))
    for checkpoint in reversed(checkpoints):
        history = _history(checkpoint)
        # Trainer writes its state last, and never deletes the best epoch's checkpoint.
        if history and checkpoint_of_epoch(folder, history, best_of(epoch_scores(history)).epoch).is_dir():
            return checkpoint, history
        shutil.rmtree(checkpoint)
    return None


def checkpoint_of_epoch(folder: Path, history: list[dict[str, Any]], epoch: int) -> Path:
    """Return the folder Trainer gave the checkpoint of an epoch counted from 1."""
    step = next(
        entry["step"] for entry in history if "eval_macro_f1" in entry and round(entry["epoch"]) == epoch
    )
    return folder / f"checkpoint-{step}"


def _history(checkpoint: Path) -> list[dict[str, Any]]:
    try:
        state = json.loads((checkpoint / "trainer_state.json").read_text("utf-8"))
    except (OSError, ValueError):
        return []
    history: list[dict[str, Any]] = state["log_history"]
    return history
