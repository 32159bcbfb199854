"""What was kept of a checkpoint, in numbers and in sentences."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from pocketformer.shrink.layer_search import LayerSearch
from pocketformer.shrink.pruning import Pruning
from pocketformer.shrink.vocabulary import Coverage

__all__ = ["FLOAT32_BYTES", "ShrinkResult", "coverage_note", "size_note"]

FLOAT32_BYTES = 4


@dataclass(frozen=True, slots=True)
class ShrinkResult:
    """What was kept of a checkpoint, or what was started from scratch.

    Attributes:
        directory: Where the smaller checkpoint is.
        source: What it was cut out of; from scratch, whose vocabulary it has.
        layers: The layers that were kept, counted from 0.
        layers_before: How many there were.
        pieces: Pieces of the vocabulary that were kept: rows of the embedding.
        pieces_before: How many rows there were.
        embedding_bytes_saved: In float32.
        parameters: Weights now.
        parameters_before: Weights before; from scratch, as many as now.
        coverage: What the vocabulary makes of held-out texts; None where there are none, or nothing was cut.
        notes: All of it in sentences.
        search: What the search for layers found, where they were searched for.
        pruning: Which neurons and heads were kept, where some of them were cut.
    """

    directory: str
    source: str
    layers: tuple[int, ...]
    layers_before: int
    pieces: int
    pieces_before: int
    embedding_bytes_saved: int
    parameters: int
    parameters_before: int
    coverage: Coverage | None
    notes: tuple[str, ...]
    search: LayerSearch | None = None
    pruning: Pruning | None = None

    def to_json(self) -> str:
        """Return the result as indented JSON."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"


def size_note(parameters: int) -> str:
    """Return the size of so many weights as a part of a sentence."""
    return f"{parameters / 1e6:.2f} million parameters, {parameters * FLOAT32_BYTES / 1e6:.1f} MB in float32"


def coverage_note(found: Coverage) -> str:
    """Return what a trimmed vocabulary makes of held-out texts as a sentence."""
    sentence = (
        f"Of {found.texts:,} held-out texts {found.same:,} ({found.same / max(found.texts, 1):.1%}) are "
        f"split as before, and {found.tokens_same / max(found.tokens, 1):.1%} of their {found.tokens:,} "
        "tokens"
    )
    if found.same == found.texts:
        return f"{sentence}."
    return (
        f"{sentence}; the others fall into smaller pieces ({found.tokens_now:,} tokens in all), "
        f"{found.unknown:,} more of them unknown."
    )
