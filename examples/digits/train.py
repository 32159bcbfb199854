"""One dense network for digits, made small in several ways; every figure is of the saved file.

python examples/digits/train.py --data mnist.npz -o dist/digits
"""

from __future__ import annotations

import argparse
import copy
import statistics
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from network import accuracy, dense, fit
from schemes import SCHEMES, Scheme
from torch import nn

import pocketformer
from data import Digits, load_digits
from pocketformer import files
from pocketformer.bench.interleave import interleave
from pocketformer.modules import ExportedFile

_BASE_EPOCHS, _BASE_RATE = 15, 2e-3
_FULL_ROWS = 60_000  # of MNIST; smaller tables get more epochs
_ROUNDS = 2000


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table: accuracies 0 to 1."""

    scheme: Scheme
    trained: float
    filed: float
    exported: ExportedFile


def main() -> None:
    """Train, export, measure, write the table."""
    arguments = _parsed()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    digits = load_digits(arguments.data)
    more = max(1, round((_FULL_ROWS / len(digits.train)) ** 0.5))
    base = dense(digits.pixels)
    _say(f"base: {fit(base, digits, _BASE_EPOCHS * more, _BASE_RATE):.2%}")
    rows = [_row(scheme, base, digits, more, arguments.output) for scheme in SCHEMES]
    table = _table(rows, _milliseconds(rows, digits), digits)
    files.write_text(arguments.output / "table.md", table)
    _say(table)
    _say(f"Wrote {arguments.output / 'table.md'}.")


def _row(scheme: Scheme, base: nn.Module, digits: Digits, more: int, output: Path) -> Row:
    network = copy.deepcopy(base)
    trained = accuracy(network, digits)
    if scheme.constraint is not None:
        constraint = scheme.constraint()
        trained = fit(network, digits, scheme.epochs * more, scheme.rate, constraint, teacher=base)
    image = digits.test[:1].flatten(1)
    exported = pocketformer.export(
        network,
        {"pixels": image},
        output / f"digits.{scheme.file}.tflite",
        plan=scheme.plan,
        output_names=["logits"],
        samples=[{"pixels": one} for one in digits.test[1:17].flatten(1).unsqueeze(1)],
    )
    filed = _file_accuracy(exported.path, digits)
    _say(f"{scheme.name}: {trained:.2%} in training, {filed:.2%} from {exported.path.name}")
    return Row(scheme, trained, filed, exported)


def _file_accuracy(path: Path, digits: Digits) -> float:
    """Run a saved file on every test row."""
    model = pocketformer.open(path)
    found = [
        int(np.argmax(model(pixels=image)["logits"])) for image in digits.test.flatten(1).unsqueeze(1).numpy()
    ]
    return float(np.mean(np.array(found) == digits.test_labels.numpy()))


def _milliseconds(rows: list[Row], digits: Digits) -> dict[str, float]:
    """Time all files in turns on one image: the median by name of scheme."""
    image = digits.test[:1].flatten(1).numpy()
    calls = {row.scheme.name: partial(pocketformer.open(row.exported.path), pixels=image) for row in rows}
    return {name: statistics.median(times) for name, times in interleave(calls, _ROUNDS).items()}


def _table(rows: list[Row], milliseconds: dict[str, float], digits: Digits) -> str:
    lines = [
        f"{len(digits.test):,} test rows, {digits.pixels}-128-32-10, zip as deflate at level 6, one thread.",
        "",
        "| scheme | plan | accuracy in training | of the file | KB | zip KB | zstd KB | ms |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        one = row.exported
        sizes = " | ".join(f"{size / 1e3:.1f}" for size in (one.size_bytes, one.zipped_bytes, one.zstd_bytes))
        lines.append(
            f"| {row.scheme.name} | {row.scheme.plan.name} | {row.trained:.2%} | {row.filed:.2%} | {sizes} | "
            f"{milliseconds[row.scheme.name]:.4f} |"
        )
    return "\n".join(lines) + "\n"


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, help="MNIST as .npz; scikit-learn's 8 x 8 digits when left out")
    parser.add_argument("-o", "--output", type=Path, required=True, help="directory for files and table.md")
    return parser.parse_args()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
