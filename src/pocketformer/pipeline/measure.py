"""Measuring the files of an edition side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pocketformer.bench import BenchResult, bench
from pocketformer.checks import REJECTED_SUFFIX
from pocketformer.edition import Edition
from pocketformer.pipeline.ledger import Ledger, key_of
from pocketformer.pipeline.lookups import checkpoint_of
from pocketformer.pipeline.observer import Observer
from pocketformer.recipe import BenchRecipe


def bench_edition(
    edition: Edition, directory: Path, texts: Sequence[str], recipe: BenchRecipe, observer: Observer
) -> Edition:
    """Measure the files of an edition against each other, PyTorch and a fixed-length file.

    Args:
        edition: Whose files stand in `directory`; rejected ones are left out.
        directory: Where they are.
        texts: Real texts to choose from.
        recipe: Rounds and thread counts.
        observer: Told of the progress.

    Returns:
        The edition with the figures, saved.
    """
    ledger = Ledger(directory)
    delivered = [entry for entry in edition.files if not entry.file.endswith(REJECTED_SUFFIX)]
    key = key_of([entry.sha256 for entry in delivered], list(texts), recipe.model_dump())
    result = ledger.get("bench", key, BenchResult)
    if result is not None:
        observer.kept("bench")
    else:
        checkpoint = checkpoint_of(edition, directory) if edition.kind == "classifier" else None
        with observer.stage("bench") as progress:
            result = bench(
                [directory / entry.file for entry in delivered],
                texts,
                checkpoint,
                rounds=recipe.rounds,
                threads=recipe.threads,
                on_progress=progress,
            )
        ledger.put("bench", key, result)
    edition = edition.model_copy(update={"bench": result})
    edition.save(directory)
    return edition
