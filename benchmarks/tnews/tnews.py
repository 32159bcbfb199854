"""A small encoder from scratch on TNEWS, against TF-IDF + linear on the same rows.

python benchmarks/tnews/tnews.py

An encoder from scratch gets a vocabulary and word vectors learned from the training headlines. It learns from
labels and from soft labels: what TF-IDF + linear says of headlines it has not seen. What is finished under
--out is not done again. Writes results.md beside this file.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from linear import out_of_fold

from pocketformer import files
from pocketformer.checkpoint import load_classifier, load_tokenizer
from pocketformer.data import Columns, LabeledTexts, read_labeled_texts, split, without_overlap
from pocketformer.pipeline.ledger import Ledger, key_of
from pocketformer.shrink import ScratchSettings, from_scratch
from pocketformer.train import DistillSettings, EpochScore, predict_logits, scores
from pocketformer.train.baselines import linear_outputs
from pocketformer.train.batches import EncodedTexts, encode
from pocketformer.train.course import follow
from pocketformer.train.finetuning import finetune_course
from pocketformer.train.work import checkpoint_digest

HERE = Path(__file__).parent
DEV_FRACTION = 0.1
PIECES = 20_000
MAX_LENGTH = 48
SOFT_WEIGHT = 0.6
SETTINGS: dict[str, object] = {
    "epochs": 3,
    "keep": "last",
    "batch_size": 256,
    "learning_rate": 1.4e-3,
    "embedding_factor": 0.5,
    "head_learning_rate": 3e-3,
    "weight_decay": 0.05,
    "dropout": 0.3,
    "max_length": MAX_LENGTH,
    "temperature": 1.0,
}

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Row:
    """One training: accuracies, parameters and seconds."""

    name: str
    seed: int
    dev_accuracy: float
    accuracy: float
    parameters: int
    seconds: float


@dataclass(frozen=True)
class Rows:
    """The tables, as `pocketformer run` reads them: no repeats, no contradictions, no test headline."""

    train: LabeledTexts
    dev: LabeledTexts
    test: LabeledTexts

    @classmethod
    def read(cls, data: Path) -> Rows:
        """Read train.tsv and dev.tsv; the dev rows are a tenth of the former, the test rows the latter."""
        columns = Columns(header=False)
        table, _ = read_labeled_texts(data / "train.tsv", columns)
        test, _ = read_labeled_texts(data / "dev.tsv", columns, labels=table.labels)
        table, _ = without_overlap(table, test)
        return cls(*split(table, DEV_FRACTION, 0), test)


class Bench:
    """Trains what was not trained before."""

    def __init__(self, rows: Rows, out: Path, depth: int, width: int) -> None:
        self.rows, self.out = rows, out
        self.ledger = Ledger(out)
        self.sizes = ScratchSettings(
            width=width, depth=depth, feed_forward=2 * width, max_positions=MAX_LENGTH, learned_pieces=PIECES
        )
        self.measured: list[Row] = []

    def start(self, vectors: bool) -> Path:
        """Return an encoder from scratch over a learned vocabulary; its vectors may be learned too."""
        texts = self.rows.train.texts
        directory = self.out / ("start-vectors" if vectors else "start-random")
        sizes = self.sizes.model_copy(update={"word_vectors": vectors})
        key = key_of(texts, sizes.model_dump())
        if self.ledger.get(directory.name, key, str) is None or not directory.is_dir():
            from_scratch(None, directory, sizes, texts)
            self.ledger.put(directory.name, key, str(directory))
        return directory

    def soft_labels(self) -> Array:
        """Return the soft labels of the training texts, float32 `[texts, labels]`, computed once."""
        train = self.rows.train
        path = self.out / f"soft-labels-{key_of(train.texts, train.targets.tolist())[:16]}.npy"
        if not path.is_file():
            stream = io.BytesIO()
            np.save(stream, out_of_fold(train).astype(np.float32))
            files.write_bytes(path, stream.getvalue())
        found: Array = np.load(path)
        return found

    def trained(self, name: str, seed: int, start: Path, soft: Array | None) -> Path:
        """Return the classifier of one training."""
        directory = self.out / f"{name.replace(' ', '-').replace(',', '')}-{seed}"
        chosen = {**SETTINGS, "seed": seed, "soft_weight": 0.0 if soft is None else SOFT_WEIGHT}
        settings = DistillSettings.model_validate(chosen)
        digest = None if soft is None else hashlib.sha256(soft.tobytes()).hexdigest()
        key = key_of(name, checkpoint_digest(start), settings.model_dump(), digest)
        row = self.ledger.get(directory.name, key, Row)
        if row is None or not directory.is_dir():
            course = finetune_course(start, self.rows.train, self.rows.dev, settings)
            if soft is not None:
                ids = encode(course.tokenizer, self.rows.train.texts, settings.max_length)
                train = EncodedTexts(ids, self.rows.train.targets, soft_labels=soft)
                course = replace(course, train=train, inputs=f"{course.inputs} {digest}")
            result = follow(course, str(start), self.rows.dev, directory, "finetune.json", on_epoch=_say)
            row = Row(
                name, seed, result.accuracy, self.accuracy(directory), result.parameters, result.seconds
            )
            self.ledger.put(directory.name, key, row)
        self.measured.append(row)
        print(row, flush=True)
        return directory

    def linear(self) -> None:
        """Measure TF-IDF + linear on the same rows."""
        rows = self.rows
        key = key_of(rows.train.texts, rows.train.targets.tolist(), rows.test.texts)
        row = self.ledger.get("linear", key, Row)
        if row is None:
            started = time.perf_counter()
            outputs = linear_outputs(rows.train, (*rows.dev.texts, *rows.test.texts))
            right = outputs.argmax(axis=1) == np.concatenate([rows.dev.targets, rows.test.targets])
            dev, test = right[: len(rows.dev)], right[len(rows.dev) :]
            seconds = time.perf_counter() - started
            row = Row("TF-IDF + linear", 0, float(dev.mean()), float(test.mean()), 0, seconds)
            self.ledger.put("linear", key, row)
        self.measured.append(row)

    def table(self) -> str:
        """Return what was measured as a Markdown table."""
        lines = ["| model | seed | million parameters | dev, % | test, % | seconds |"]
        lines += ["|---|---:|---:|---:|---:|---:|"]
        for row in self.measured:
            size = f"{row.parameters / 1e6:.2f}" if row.parameters else ""
            lines.append(
                f"| {row.name} | {row.seed} | {size} | {row.dev_accuracy:.2%} | {row.accuracy:.2%} "
                f"| {row.seconds:.0f} |".replace("%", "")
            )
        return "\n".join(lines) + "\n"

    def accuracy(self, directory: Path) -> float:
        """Return the share of the test rows that a checkpoint names right."""
        model, tokenizer = load_classifier(directory), load_tokenizer(directory)
        logits = predict_logits(model, tokenizer, self.rows.test.texts, MAX_LENGTH)
        return scores(logits, self.rows.test.targets, False).accuracy


def _say(epoch: EpochScore) -> None:
    print(f"epoch {epoch.epoch}: dev {epoch.accuracy:.2%}, loss {epoch.dev_loss:.3f}", flush=True)


# Name: whether word vectors are put in, and whether there are soft labels.
VARIANTS = {
    "words, vectors, soft labels": (True, True),
    "words, vectors": (True, False),
    "words, soft labels": (False, True),
    "words": (False, False),
}


def main() -> None:
    """Train the variants and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=HERE / "data")
    parser.add_argument("--out", type=Path, default=Path("dist/tnews"))
    parser.add_argument("--depth", type=int, default=1)
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--variants", type=int, default=len(VARIANTS), help="how many, from the first on")
    options = parser.parse_args()
    bench = Bench(Rows.read(options.data), options.out, options.depth, options.width)
    bench.linear()
    for name, (vectors, soft) in list(VARIANTS.items())[: options.variants]:
        start = bench.start(vectors)
        for seed in range(options.seeds):
            bench.trained(name, seed, start, bench.soft_labels() if soft else None)
    files.write_text(HERE / "results.md", bench.table())
    print(bench.table())


if __name__ == "__main__":
    main()
