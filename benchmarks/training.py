"""Compare how many texts per second training takes in, with each thing that makes it quicker.

    python benchmarks/training.py [--data TABLE] [--output benchmarks/training.md]

MiniLM-L6 on the same 384 texts, drawn from the table, one epoch per turn. Every turn is Trainer's own
`train()` without evaluation and saving: the first row's is transformers' Trainer as its examples use it,
padding to 128 tokens, the others' is the one that `finetune` runs. All take turns in one process in an order
drawn anew for each round, so that other work on the machine hits them alike; the figures are medians.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pocketformer import files
from pocketformer.bench.interleave import interleave
from pocketformer.checkpoint import PYPI_MINILM, load_tokenizer, local_directory, quiet_transformers
from pocketformer.data import LabeledTexts, read_labeled_texts
from pocketformer.shrink import shrink
from pocketformer.train import FinetuneSettings
from pocketformer.train.finetuning import finetune_course
from pocketformer.train.trainer import build_trainer

DATA = Path(__file__).parent / "banking77" / "data" / "train.csv"
PLAIN_LENGTH = 128


@dataclass
class Contender:
    """One way to train; it is made ready at its first turn, which also compiles what is to be compiled."""

    make: Callable[[], Any]
    trainer: Any = None
    first_seconds: float = 0.0

    def __call__(self) -> None:
        """Train for one epoch."""
        if self.trainer is None:
            self.trainer = self.make()
            self.trainer.args.eval_strategy = self.trainer.args.save_strategy = "no"
            started = time.perf_counter()
            self.trainer.train()
            self.first_seconds = time.perf_counter() - started
        else:
            self.trainer.train()


def plain(train: LabeledTexts, folder: Path) -> Any:
    """Return transformers' Trainer over a BertForSequenceClassification, every text padded to 128 tokens."""
    from transformers import AutoModelForSequenceClassification, PrinterCallback, Trainer, TrainingArguments

    base = local_directory(PYPI_MINILM)
    model = AutoModelForSequenceClassification.from_pretrained(base, num_labels=len(train.labels))
    tokens = load_tokenizer(base)(
        list(train.texts), truncation=True, padding="max_length", max_length=PLAIN_LENGTH
    )
    rows = [
        {**{name: column[row] for name, column in tokens.items()}, "labels": int(train.targets[row])}
        for row in range(len(train))
    ]
    arguments = TrainingArguments(
        output_dir=str(folder), num_train_epochs=1, per_device_train_batch_size=32, disable_tqdm=True,
        report_to="none", use_cpu=True, dataloader_pin_memory=False,
    )  # fmt: skip
    trainer = Trainer(model=model, args=arguments, train_dataset=rows)
    trainer.remove_callback(PrinterCallback)
    return trainer


def ours(base: str | Path, train: LabeledTexts, folder: Path, **settings: Any) -> Any:
    """Return the Trainer of `finetune` with these settings."""
    course = finetune_course(base, train, train.subset([0]), FinetuneSettings(epochs=1, **settings))
    return build_trainer(course, folder)


def contenders(
    train: LabeledTexts, trimmed: Path, folder: Path
) -> dict[tuple[str, str, str, int], Contender]:
    """Return what is compared by what differs: sequence length, arithmetic, what else, texts per step."""
    made: dict[tuple[str, str, str, int], Contender] = {
        (f"padded to {PLAIN_LENGTH}", "fp32", "plain Trainer", 32): Contender(partial(plain, train, folder))
    }

    def add(other: str, base: str | Path = PYPI_MINILM, precision: str = "bf16", **settings: Any) -> None:
        key = ("longest of the batch", precision, other, settings.get("batch_size", 32))
        made[key] = Contender(partial(ours, base, train, folder, precision=precision, **settings))

    add("", precision="fp32")
    add("")
    add("embeddings frozen", freeze_embeddings=True)
    add("vocabulary trimmed", trimmed)
    add("vocabulary trimmed", trimmed, batch_size=128)
    add("vocabulary trimmed, compiled", trimmed, compile=True)
    return made


def table(made: dict[tuple[str, str, str, int], Contender], found: dict[Any, list[float]], texts: int) -> str:
    """Return the Markdown table."""
    lines = [
        "| sequence length | arithmetic | otherwise | texts per step | texts/s | × plain |",
        "|---|---|---|---:|---:|---:|",
    ]
    milliseconds = {key: statistics.median(times) for key, times in found.items()}
    slowest = milliseconds[next(iter(made))]
    for key in made:
        length, precision, other, batch = key
        speed, ratio = texts / milliseconds[key] * 1000, slowest / milliseconds[key]
        lines.append(f"| {length} | {precision} | {other} | {batch} | {speed:.1f} | {ratio:.1f} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print the table, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="a labelled table")
    parser.add_argument("--texts", type=int, default=384, help="how many of its texts are learned from")
    parser.add_argument("--rounds", type=int, default=2, help="measured turns of each")
    parser.add_argument("--output", type=Path, help="Markdown file to write")
    given = parser.parse_args()
    rows, _ = read_labeled_texts(given.data)
    drawn = np.random.default_rng(0).permutation(len(rows))[: given.texts]
    train = rows.subset(drawn.tolist())
    with tempfile.TemporaryDirectory() as folder, quiet_transformers():
        trimmed = Path(folder) / "trimmed"
        kept = shrink(PYPI_MINILM, trimmed, texts=rows.texts)
        made = contenders(train, trimmed, Path(folder) / "work")
        found = interleave(made, given.rounds, on_progress=lambda _, message: print(message, flush=True))
    (compiled,) = (one for key, one in made.items() if "compiled" in key[2])
    (key,) = (key for key in made if "compiled" in key[2])
    compiling = compiled.first_seconds - statistics.median(found[key]) / 1000
    text = "\n".join(
        [
            f"{len(train)} texts of {given.data.name}, MiniLM-L6 ({kept.pieces:,} of {kept.pieces_before:,} "
            f"vocabulary rows where trimmed), {torch.get_num_threads()} threads, "
            f"{torch.cpu.get_capabilities()['cpu_name']}, PyTorch {torch.__version__}.",
            "",
            table(made, found, len(train)),
            "",
            f"Compiling took another {compiling:.0f} s, once per training; it is not in the table.",
            "",
        ]
    )
    print(text)
    if given.output is not None:
        files.write_text(given.output, text)


if __name__ == "__main__":
    main()
