"""The word pieces of a vocabulary, by id, for the raw view: the model file holds only their numbers."""

from __future__ import annotations

import json

from pocketformer import files
from pocketformer.apps.subject import Subject

__all__ = ["pieces_of"]

_WEIGHTS, _TOKENIZER = "model.safetensors", "tokenizer.json"


def pieces_of(subject: Subject) -> list[str] | None:
    """Return the pieces by id; None where the checkpoint of the files is not at hand.

    A checkpoint that was trained again since is not that of the files: its digest tells.
    """
    edition = subject.edition
    checkpoint = subject.directory / edition.checkpoint
    weights, tokenizer = checkpoint / _WEIGHTS, checkpoint / _TOKENIZER
    if not (weights.is_file() and tokenizer.is_file()) or files.sha256(weights) != edition.checkpoint_sha256:
        return None
    content = json.loads(tokenizer.read_bytes())
    vocabulary: dict[str, int] = dict(content["model"]["vocab"])
    vocabulary |= {token["content"]: token["id"] for token in content.get("added_tokens", [])}
    pieces = [""] * (max(vocabulary.values(), default=-1) + 1)
    for piece, number in vocabulary.items():
        pieces[number] = piece
    return pieces
