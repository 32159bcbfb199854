"""An Android app of an edition that is written by hand, and one of a tiny edition that is real."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from pocketformer.apps import Subject, Tree
from pocketformer.apps.android.tree import tree_of
from pocketformer.checks import Golden
from pocketformer.checks.golden import GoldenCase
from pocketformer.edition import Edition, EditionFile

LABELS = ("condition", 'a "quoted" ${label}', "越过\n{{ 7 * 6 }}\u202e")
TEXTS = ("Wet paint dries in an hour.", 'The "label" says ${name} and \\n, then {% if %}.')


def entry_of(file: str = "shop-notices.int8.tflite", runtime: str = "LiteRT 2.18.0") -> EditionFile:
    """Return what an edition says of a LiteRT file."""
    return EditionFile(
        file=file, format="litert", precision="int8", size_bytes=24_219_520, zipped_bytes=21_300_000,
        sha256="ab" * 32, signatures=("classify", "tokenize", "classify_16"), operations=9,
        weight_bytes={"int8": 9}, oldest_runtime=runtime,
    )  # fmt: skip


def subject_of(folder: Path, name: str = "shop-notices") -> Subject:
    """Return an edition whose labels and texts try to break out of every string."""
    edition = Edition(
        name=name, created="2026-11-28T00:00:00Z", kind="classifier", labels=LABELS, multi_label=False,
        base="base", architecture="bert", parameters=9, checkpoint="checkpoint", checkpoint_sha256="cd" * 32,
    )  # fmt: skip
    cases = tuple(
        GoldenCase(
            bytes=base64.b64encode(text.encode()).decode(), text=text, input_ids=(1, 2), length=2,
            truncated=False, scores=(0.7, 0.2, 0.1), logits=(2.0, 1.0, 0.0),
        )
        for text in TEXTS
    )  # fmt: skip
    golden = Golden(
        edition=name, kind="classifier", labels=LABELS, multi_label=False, lengths=(16,), max_bytes=128,
        tolerance={"int8": 0.2}, cases=cases,
    )  # fmt: skip
    golden.save(folder / "golden.json")
    (folder / entry_of().file).write_bytes(b"model")
    return Subject(folder, edition, golden)


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    return subject_of(tmp_path)


@pytest.fixture
def tree(subject: Subject) -> Tree:
    return tree_of(subject, entry_of())
