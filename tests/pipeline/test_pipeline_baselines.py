"""Baselines of a recipe's rows are measured once, and again when the rows are others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pocketformer.pipeline.baselines import measured_baselines
from pocketformer.pipeline.observer import Progress, Silent
from pocketformer.pipeline.rows import read_rows
from pocketformer.recipe import Recipe


class Listening(Silent):
    """Writes down which stages ran and which were kept."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    @contextmanager
    def stage(self, title: str) -> Iterator[Progress]:
        self.heard.append(f"ran {title}")
        yield lambda fraction, message: None

    def kept(self, title: str) -> None:
        self.heard.append(f"kept {title}")


def test_they_are_kept_between_runs_as_long_as_the_rows_are_the_same(
    recipe_path: Path, tmp_path: Path
) -> None:
    observer = Listening()
    rows = read_rows(Recipe.load(recipe_path).data, observer)
    first = measured_baselines(rows, tmp_path, observer)
    assert measured_baselines(rows, tmp_path, observer) == first
    assert first.test_texts == len(rows.test)
    assert first.linear.accuracy > first.majority.accuracy + 0.2
    other = read_rows(Recipe.load(recipe_path).data.model_copy(update={"seed": 7}), observer)
    measured_baselines(other, tmp_path, observer)
    assert observer.heard == ["ran baselines", "kept baselines", "ran baselines"]
