"""What else is tried on a student of ten labels per class: augmentation, layers, transfer, an assistant.

python benchmarks/distillation/ablations.py --seeds 3

Each variant differs from one of the two students of `students.py few` in one thing. Trainings are kept and
not done again, those of `students.py few` among them. Writes ablations.md beside this file.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Literal

from students import (
    BASE,
    CUT_FROM_BASE,
    HERE,
    ON_FEW_LABELS,
    Bench,
    Row,
    alone,
    distilled,
    spread,
    teacher_of_few,
)

from pocketformer import files
from pocketformer.data.augmentation import AugmentSettings, augment, augmented_texts
from pocketformer.shrink import ShrinkSettings

ALONE, DISTILLED = "labels alone", "distilled"
METHODS: tuple[Literal["deletion", "swap", "synonyms"], ...] = ("deletion", "swap", "synonyms")
SYNONYMS = HERE / "synonyms.txt"
EVENLY_SPACED = ShrinkSettings(layers=(2, 5))
WITH_SEARCH = ShrinkSettings(layers=2, choose="search")
OTHER_LAYERS = {"the first": ShrinkSettings(layers=(0, 1)), "the last": ShrinkSettings(layers=(4, 5))}
ASSISTANT = ShrinkSettings(layers=(1, 2, 4, 5))


class Ablations:
    """The two students that everything is compared with, and the variants, one method each."""

    def __init__(self, bench: Bench, seeds: int) -> None:
        self.bench = bench
        self.seeds = range(seeds)
        self.start = bench.student(BASE, "2-layers", EVENLY_SPACED)

    @cached_property
    def teacher(self) -> Path:
        """The teacher of `students.py few`, for which the table has no row."""
        rows = list(self.bench.rows)
        found = teacher_of_few(self.bench)
        self.bench.rows[:] = rows
        return found

    def groups(self) -> Iterator[None]:
        """Train every variant, one group of them at each step, those without a teacher first."""
        for group in (
            lambda: self.alone(ALONE),
            self.augmentation_of_labels,
            lambda: self.distilled(DISTILLED),
            self.searched_layers,
            self.transfer,
            self.assistant,
            self.augmentation_of_the_pool,
            self.other_layers,
        ):
            group()
            yield

    def searched_layers(self) -> None:
        """Layers that a probe on the few dev texts prefers to the evenly spaced ones."""
        start = self.bench.student(BASE, "searched", WITH_SEARCH)
        self.distilled(f"{DISTILLED}, layers by search", start)

    def other_layers(self) -> None:
        """The first or last layers of the base, or those of the fine-tuned teacher."""
        for name, settings in OTHER_LAYERS.items():
            self.distilled(f"{DISTILLED}, {name} two layers", self.bench.student(BASE, name, settings))
        start = self.bench.student(self.teacher, "from-teacher", EVENLY_SPACED)
        self.distilled(f"{DISTILLED}, layers and head of the teacher", start)

    def transfer(self) -> None:
        """Hidden states and attention maps of the teacher beside its soft labels."""
        for what in ("hidden", "attention"):
            self.distilled(f"{DISTILLED}, + {what} transfer", **{f"{what}_weight": 1.0})

    def assistant(self) -> None:
        """A student of four layers teaches that of two."""
        start = self.bench.student(BASE, "assistant", ASSISTANT)
        teacher, rows = self.teacher, list(self.bench.rows)
        settings = {"seed": 0, **CUT_FROM_BASE}
        between = distilled(self.bench, teacher, start, "assistant, 4 layers", settings)
        self.bench.rows[:] = rows  # it is no variant either
        self.distilled(f"{DISTILLED}, by an assistant of 4 layers", teacher=between)

    def augmentation_of_labels(self) -> None:
        """A changed copy of each labelled text, without a teacher."""
        for method in METHODS:
            self.alone(f"{ALONE}, + {method}", method)

    def augmentation_of_the_pool(self) -> None:
        """A changed copy of each text, for the teacher to label."""
        texts = (*self.bench.train.texts, *self.bench.pool)
        settings = AugmentSettings(methods=METHODS, synonyms=SYNONYMS)
        more = augmented_texts(texts, settings, self._held_out)
        self.distilled(f"{DISTILLED}, + copies of all texts", more=more)

    def alone(self, name: str, method: Literal["deletion", "swap", "synonyms"] | None = None) -> None:
        """Train on the labels, with every seed."""
        for seed in self.seeds:
            train = self.bench.train
            if method:
                settings = AugmentSettings(methods=(method,), synonyms=SYNONYMS, seed=seed)
                train, _ = augment(train, settings, self._held_out)
            alone(self.bench, self.start, f"2 layers, {name}", {"seed": seed, **ON_FEW_LABELS}, train)

    def distilled(
        self,
        name: str,
        start: Path | None = None,
        teacher: Path | None = None,
        more: tuple[str, ...] = (),
        **settings: object,
    ) -> None:
        """Train on a teacher's soft labels as well, with every seed."""
        for seed in self.seeds:
            chosen = {"seed": seed, **CUT_FROM_BASE, **settings}
            source, shown = start or self.start, teacher or self.teacher
            distilled(self.bench, shown, source, f"2 layers, {name}", chosen, more)

    @property
    def _held_out(self) -> tuple[str, ...]:
        return (*self.bench.dev.texts, *self.bench.test.texts)


def table(rows: list[Row]) -> str:
    """Return the variants as a Markdown table, each with its gain over the student it differs from."""
    by_name: dict[str, list[float]] = {}
    for row in rows:
        by_name.setdefault(row.name, []).append(row.accuracy)
    lines = ["| student | seeds | test accuracy, % | gain, points |", "|---|---:|---:|---:|"]
    for name, found in by_name.items():
        basis = by_name[f"2 layers, {DISTILLED if DISTILLED in name else ALONE}"]
        said = "" if found is basis else gain(found, basis)
        lines.append(f"| {name} | {len(found)} | {spread(found)} | {said} |")
    return "\n".join(lines) + "\n"


def gain(found: list[float], basis: list[float]) -> str:
    """Return the difference of two means in points, or "none" where it is within a standard deviation."""
    points = 100 * (statistics.mean(found) - statistics.mean(basis))
    noise = 100 * max(statistics.stdev(found), statistics.stdev(basis))
    return f"{points:+.2f}" if abs(points) > noise else f"none ({points:+.2f})"


def main() -> None:
    """Train what was not trained before, and write the table after every group of variants."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("benchmarks/banking77/data"))
    parser.add_argument("--out", type=Path, default=Path("dist/distillation"))
    parser.add_argument("--seeds", type=int, default=3, choices=range(2, 100), metavar="SEEDS")
    options = parser.parse_args()
    bench = Bench(options.data, options.out, "few")
    for _ in Ablations(bench, options.seeds).groups():
        files.write_text(HERE / "ablations.md", table(bench.rows))
    print(table(bench.rows))


if __name__ == "__main__":
    main()
