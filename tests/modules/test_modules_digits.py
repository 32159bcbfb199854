"""examples/digits, as its README tells to run it: what training reports is what each file does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "examples" / "digits" / "train.py"


@pytest.mark.slow
def test_the_small_digits_keep_their_accuracy_in_every_file(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), "-o", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True)
    lines = (tmp_path / "table.md").read_text("utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")][
        2:
    ]
    trained, filed = ([float(row[place].rstrip("%")) for row in rows] for place in (2, 3))
    zipped = {row[0]: float(row[5]) for row in rows}
    assert len(rows) == len(list(tmp_path.glob("*.tflite"))) == 9
    assert filed[0] > 95
    assert min(filed) > 85  # nearly all of 2,000 weights are zeros in the smallest
    assert filed == pytest.approx(trained, abs=0.23)  # one of 449 rows
    assert zipped["16 clusters, int8"] < 0.75 * zipped["int8 after training"]
    assert zipped["80 % zeros, int8"] < 0.55 * zipped["int8 after training"]
    assert min(zipped.values()) < 0.3 * zipped["int8 after training"]
