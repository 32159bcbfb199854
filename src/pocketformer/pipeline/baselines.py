"""Measuring the baselines of an edition's rows, once."""

from __future__ import annotations

from pathlib import Path

from pocketformer.pipeline.ledger import Ledger, key_of
from pocketformer.pipeline.observer import Observer
from pocketformer.pipeline.rows import Rows
from pocketformer.train.baselines import Baselines, baselines


def measured_baselines(rows: Rows, directory: Path, observer: Observer, seed: int = 0) -> Baselines:
    """Return the baselines, learned from the training rows and measured on the held-out ones.

    Args:
        rows: As `read_rows` gives them.
        directory: Of the edition, where they are kept for the next run.
        observer: Told of the progress.
        seed: Of the linear one.

    Raises:
        DataError: There is nothing to learn from or to measure on.
    """
    ledger = Ledger(directory)
    sides = [[side.texts, side.targets.tolist(), side.labels] for side in (rows.train, rows.test)]
    key = key_of(sides, seed)
    result = ledger.get("baselines", key, Baselines)
    if result is not None:
        observer.kept("baselines")
        return result
    with observer.stage("baselines"):
        result = baselines(rows.train, rows.test, seed)
    ledger.put("baselines", key, result)
    return result
