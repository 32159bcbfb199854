"""Editions built by hand, with figures such as a real run gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pocketformer.bench.results import BenchResult, Comparison, Footprint, Timing
from pocketformer.checks.mistakes import Mistake
from pocketformer.checks.parity import Parity
from pocketformer.checks.tolerances import Tolerance
from pocketformer.checks.verdict import Verdict
from pocketformer.data import Conflict, Intake
from pocketformer.edition import DataSection, Edition, EditionFile
from pocketformer.train import EpochScore, FinetuneResult, Metrics

LABELS = ("condition", "constraint", "notice & <warning>", 'process "A"')
CONFUSION = [[71, 2, 1, 1], [3, 69, 2, 1], [0, 2, 70, 3], [1, 0, 4, 70]]
SIGNATURES = (
    "classify", "tokenize", "tokenize_64_bytes", "tokenize_256_bytes",
    "classify_16", "classify_32", "classify_64", "classify_128", "serving_default",
)  # fmt: skip
SPEED = {"fp32": 1.0, "fp16": 1.02, "int8": 0.31}
BYTES = {"fp32": 91_703_144, "fp16": 46_112_908, "int8": 24_602_112}
SIDES = {"train": 1116, "dev": 124, "test": 300}
TOLERANCES = {
    "fp32": Tolerance(1e-4, 1e-5, 1e-4, 0.999, 0.001, 1e-5),
    "fp16": Tolerance(None, 0.005, 0.02, 0.995, 0.003, 0.005),
    "int8": Tolerance(None, 0.03, 0.2, 0.98, 0.005, 0.15),
}
ERRORS = {"fp32": (1.9e-6, 3.1e-7), "fp16": (0.0042, 0.00048), "int8": (0.31, 0.0187)}
MISTAKES = (
    Mistake('If <b>wet</b> & cold, don\'t | "touch" it.', "condition", "constraint", 0.9871, 0.0102),
    Mistake("如果油漆干了,就可以涂第二层。 🎨", "condition", 'process "A"', 0.8123, 0.1),
    Mistake("لا تلمس السطح\nالساخن\x07", "constraint", "notice & <warning>", 0.7311, 0.2),
)


def parity(precision: str, texts: int = 300, mismatches: int = 0) -> Parity:
    largest, mean = ERRORS[precision]
    signatures = {name: 0.0 if name.startswith("tokenize") else largest * 0.8 for name in SIGNATURES}
    return Parity(
        texts,
        mismatches,
        "naïve" if mismatches else "",
        largest,
        mean,
        mean * 4,
        largest / 9,
        1.0 if precision == "fp32" else 0.9967,
        signatures,
    )


def file(precision: str, misses: tuple[str, ...] = (), **changes: Any) -> EditionFile:
    name = f"notices.{precision}.tflite"
    accuracy = 0.93 if precision == "int8" else 0.9333
    quality, reference = Metrics(accuracy, 0.9298, CONFUSION), Metrics(0.9333, 0.9331, CONFUSION)
    verdict = Verdict(name, precision, TOLERANCES[precision], parity(precision), quality, reference, misses)
    fields: dict[str, Any] = {
        "file": name, "format": "litert", "precision": precision, "size_bytes": BYTES[precision],
        "zipped_bytes": int(BYTES[precision] * 0.83), "sha256": precision[0] * 64, "signatures": SIGNATURES,
        "operations": 1874, "weight_bytes": {"float32": 1_500_000, "int8": 22_700_000},
        "oldest_runtime": "LiteRT 2.9.0", "verdict": verdict, "confusion": CONFUSION, "mistakes": MISTAKES,
    }  # fmt: skip
    return EditionFile(**{**fields, **changes})


def bench() -> BenchResult:
    milliseconds = {13: 9.71, 24: 12.9, 41: 22.4, 118: 55.8}
    timings = []
    for threads in (1, 2):
        for tokens, base in milliseconds.items():
            base /= 1 if threads == 1 else 1.7
            for precision, factor in SPEED.items():
                timings.append(_timing(f"notices.{precision}.tflite", "text", tokens, threads, base * factor))
            timings.append(_timing("PyTorch fp32", "text", tokens, threads, base * 1.6 + 11))
            timings.append(_timing("fixed-length fp32 file", "text", tokens, threads, 57.2 / threads))
        for precision, factor in SPEED.items():
            for size, signature in ((1024, "tokenize"), (16, "classify_16"), (128, "classify_128")):
                spent = 0.12 if signature == "tokenize" else size * 0.45 * factor / threads
                timings.append(_timing(f"notices.{precision}.tflite", signature, size, threads, spent))
    comparisons = tuple(
        Comparison(tokens, 1, "notices.int8.tflite", ("tokenize_64_bytes", "classify_16"),
                   base * SPEED["int8"], 0.119, baseline, other)
        for tokens, base in milliseconds.items()
        for baseline, other in (("fixed-length fp32 file", 57.2), ("PyTorch fp32", base * 1.6 + 11))
    )  # fmt: skip
    footprints = tuple(
        Footprint(
            f"notices.{p}.tflite", BYTES[p], int(BYTES[p] * 0.83), 4.21, 61.3, BYTES[p] * 2, BYTES[p] * 4
        )
        for p in SPEED
    )
    texts = {13: "Let the glue set for <10 minutes.", 24: "Ne pas plier…", 41: "a", 118: "word " * 100}
    return BenchResult("Xeon® @ 2.60GHz", 2, texts, tuple(timings), footprints, comparisons)


def _timing(contender: str, work: str, tokens: int, threads: int, median: float) -> Timing:
    return Timing(contender, work, tokens, threads, 30, median, median * 1.21)


def intake(labels: tuple[str, ...] = LABELS) -> Intake:
    return Intake(
        path="train.csv", sha256="ab" * 32, rows=1277, kept=1240,
        dropped={"label id -1": 12, "no text": 3, "duplicate": 14, "conflicting label": 8}, duplicates=14,
        conflicts=(Conflict("Mind the <step>!", ("condition", "notice & <warning>"), (17, 1103)),),
        conflict_count=4, label_counts={label: 310 - place for place, label in enumerate(labels)},
        text_column="Text", label_column="label id", label_name_column=None, header=True, max_text_bytes=412,
    )  # fmt: skip


def training() -> FinetuneResult:
    epochs = tuple(
        EpochScore(n, 1.4 / n, 0.9 / n + 0.05 * n, 0.95 - 0.2 / n - 0.004 * n, 0.94 - 0.22 / n - 0.004 * n)
        for n in range(1, 8)
    )
    return FinetuneResult(
        "checkpoint", "MiniLM-L6", 0.9012, 0.8954, 6, epochs,
        {"epochs": 8, "learning_rate": 1e-4, "head": "linear", "class_weights": False, "seed": None},
        ("The learning rate 1e-4 was chosen by the hidden size of 384.",), 22_714_756, 412.0, "cpu",
    )  # fmt: skip


@pytest.fixture
def make_file() -> Callable[..., EditionFile]:
    """Build one file of an edition: its precision, its misses, other fields by name."""
    return file


@pytest.fixture
def full_edition() -> Edition:
    """Three files that passed, with everything measured."""
    return Edition(
        name="notices", created="2026-11-22T10:03:00Z", kind="classifier", labels=LABELS, multi_label=False,
        base="MiniLM-L6", architecture="bert", parameters=22_714_756, checkpoint="checkpoint",
        checkpoint_sha256="c" * 64,
        recipe={"data": {"train": "train.csv", "test": None}, "export": {"lengths": [16, 32]}},
        data=DataSection(train=intake(), test=intake(), rows=SIDES, overlap=6),
        training=training(), files=tuple(file(precision) for precision in SPEED), bench=bench(),
        environment={"pocketformer": "0.1.0", "python": "3.11.7", "torch": "2.13.0"},
    )  # fmt: skip


@pytest.fixture
def minimal_edition() -> Edition:
    """One file, exported and neither trained, verified nor timed here."""
    return Edition(
        name="bare", created="2026-11-22T10:03:00Z", kind="classifier", labels=("no", "yes"),
        multi_label=False, base="someone/model", architecture="bert", parameters=4_400_000,
        checkpoint="someone/model", checkpoint_sha256="",
        files=(file("fp32", verdict=None, confusion=None, mistakes=()),),
    )  # fmt: skip


@pytest.fixture
def multi_label_edition(full_edition: Edition) -> Edition:
    """Several labels may hold, so there is no confusion matrix."""
    mistake = Mistake("Keep <dry>", "not wet", "wet", 0.97, 0.03)
    files = tuple(file(p, confusion=None, mistakes=(mistake,)) for p in SPEED)
    return full_edition.model_copy(update={"multi_label": True, "files": files})


@pytest.fixture
def rejected_edition(full_edition: Edition) -> Edition:
    """The int8 file missed a limit."""
    miss = "The mean relative logit error is 9.12%, at most 3.00% is allowed."
    bad = file("int8", (miss,), file="notices.int8.tflite.rejected")
    assert bad.verdict is not None
    found = replace(bad.verdict.parity, mean_relative_error=0.0912)
    bad = bad.model_copy(update={"verdict": replace(bad.verdict, parity=found)})
    return full_edition.model_copy(update={"files": (file("fp32"), file("fp16"), bad)})


@pytest.fixture
def many_labels_edition(full_edition: Edition) -> Edition:
    """77 labels, most of them right."""
    labels = tuple(f"intent <{place:02d}> & größer" for place in range(77))
    confusion = [[40 if row == column else 0 for column in range(77)] for row in range(77)]
    for row in range(0, 76, 2):
        confusion[row][row + 1] = 1 + row // 10
    files = tuple(file(precision, confusion=confusion) for precision in SPEED)
    data = DataSection(train=intake(labels), rows={"train": 9002, "dev": 1001, "test": 3080})
    return full_edition.model_copy(update={"labels": labels, "files": files, "data": data})


@pytest.fixture
def encoder_edition(minimal_edition: Edition) -> Edition:
    """An encoder: hidden states instead of labels."""
    found = Parity(120, 0, "", 0.021, 0.0431, 0.09, 0.0, 1.0, {})
    verdict = Verdict("bare.int8.tflite", "int8", TOLERANCES["int8"], found, None, None, ())
    changed = file("int8", verdict=verdict, confusion=None, mistakes=())
    return minimal_edition.model_copy(update={"kind": "encoder", "labels": (), "files": (changed,)})
