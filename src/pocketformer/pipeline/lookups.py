"""Questions that several stages ask of an edition and its files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pocketformer.edition import Edition
from pocketformer.program import Shapes
from pocketformer.targets import target_of

__all__ = ["checkpoint_of", "file_metadata", "shapes_of"]


def checkpoint_of(edition: Edition, directory: Path) -> str:
    """Return where an edition's checkpoint is, as a path or a hub id."""
    inside = directory / edition.checkpoint
    return str(inside) if inside.is_dir() else edition.checkpoint


def file_metadata(path: Path) -> dict[str, Any]:
    """Return what a program wrote into a file: kind, labels, lengths, provenance."""
    return target_of(path).describe(path).metadata


def shapes_of(edition: Edition, directory: Path) -> Shapes:
    """Return the fixed sizes of an edition's files."""
    metadata = file_metadata(directory / edition.files[0].file)
    return Shapes(tuple(metadata["lengths"]), metadata["max_bytes"])
