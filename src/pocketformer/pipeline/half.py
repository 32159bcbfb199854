"""Before a file that computes in float16 is written: does the model stay in float16's range?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pocketformer.checks import SAMPLE_TEXTS, ValueRange, computes_in_half, value_range
from pocketformer.edition import Edition
from pocketformer.errors import ExportError
from pocketformer.pipeline.ledger import Ledger, key_of
from pocketformer.pipeline.lookups import checkpoint_of, shapes_of
from pocketformer.pipeline.observer import Observer
from pocketformer.plan import Plan
from pocketformer.program import Shapes
from pocketformer.targets import target_named

__all__ = ["halves", "measured_range", "refuse_overflow", "value_range_of"]


def halves(planned: Sequence[tuple[str, Plan]]) -> list[str]:
    """Return which of some files, by target and plan, compute in float16, as "coreml int8"."""
    return [f"{name} {plan.name}" for name, plan in planned if computes_in_half(target_named(name), plan)]


def measured_range(
    source: str,
    shapes: Shapes,
    texts: Sequence[str] | None,
    directory: Path,
    key: str,
    observer: Observer,
) -> ValueRange:
    """Run the model over texts (our samples when None) and return the range of its values, per layer.

    What an earlier run found under the same key, texts and lengths is kept.
    """
    chosen = SAMPLE_TEXTS if texts is None else texts
    ledger = Ledger(directory)
    stage, key = "measure value range", key_of(key, list(chosen), shapes.lengths, shapes.text_bytes)
    found = ledger.get(stage, key, ValueRange)
    if found is not None:
        observer.kept(stage)
        return found
    with observer.stage(stage) as progress:
        found = value_range(source, chosen, shapes.lengths, shapes.text_bytes, on_progress=progress)
    ledger.put(stage, key, found)
    return found


def refuse_overflow(found: ValueRange, float32_layers: Sequence[str], half: Sequence[str]) -> None:
    """Refuse files that would compute beyond float16.

    Raises:
        ExportError: A layer's values have no room in float16 and it is not kept in float32.
    """
    refusal = found.refusal(float32_layers)
    if half and refusal is not None:
        raise ExportError(f"{', '.join(half)} would overflow: {refusal}")


def value_range_of(
    edition: Edition, directory: Path, texts: Sequence[str] | None, observer: Observer
) -> ValueRange:
    """Return the range of values of an edition's checkpoint over texts, or over our samples when None."""
    shapes = shapes_of(edition, directory)
    source = checkpoint_of(edition, directory)
    return measured_range(source, shapes, texts, directory, edition.checkpoint_sha256, observer)
