"""The best plan for MiniLM-L6 under a budget, without training, and how long finding it takes.

python benchmarks/compression/smallest.py       # trains the teacher, among others
python benchmarks/compression/budget.py --max-mb 15 --max-drop 0.5

Takes the dev rows that early stopping watched, proves the file on the test rows, and writes budget.md beside
this file. The report with the frontier is in the output directory.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

from smallest import Bench

from pocketformer import files
from pocketformer.bench.run import processor_name
from pocketformer.budget import BudgetSettings
from pocketformer.edition import Edition
from pocketformer.pipeline import Silent, plan_checkpoint
from pocketformer.recipe import ExportRecipe

HERE = Path(__file__).parent


def table(edition: Edition, seconds: float) -> str:
    """Return the frontier as Markdown, and what became of the chosen plan."""
    result, entry = edition.budget, edition.files[0]
    assert result is not None
    assert entry.verdict is not None
    assert entry.verdict.quality is not None
    assert entry.verdict.reference_quality is not None
    lines = [
        "| plan | MB | points lost on dev | divergence, nats | layers per format |",
        "|---|---:|---:|---:|---|",
    ]
    for place, option in enumerate(result.options):
        formats = [str(stored) for stored in option.plan.layers.values()]
        mixture = ", ".join(f"{formats.count(name)} x {name}" for name in sorted(set(formats)))
        mark = " (chosen)" if place == result.chosen else ""
        numbers = f"{option.megabytes:.2f} | {option.drop:.2f} | {option.divergence:.4f}"
        lines.append(f"| {place + 1}{mark} | {numbers} | {mixture} |")
    quality, reference = entry.verdict.quality.accuracy, entry.verdict.reference_quality.accuracy
    lines += [
        "",
        f"Asked for at most {result.settings.max_mb} MB and {result.settings.max_drop} points. The file: "
        f"{entry.size_bytes / 1e6:.2f} MB, {100 * quality:.2f} % of the test rows from its bytes, "
        f"{100 * reference:.2f} % in float32. {seconds / 60:.1f} minutes, conversion and proof "
        f"included, with {os.environ.get('OMP_NUM_THREADS', 'all')} thread(s) of {processor_name()}.",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Search, prove, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("benchmarks/banking77/data"))
    parser.add_argument("--models", type=Path, default=Path("dist/smallest"))
    parser.add_argument("--out", type=Path, default=Path("dist/budget"))
    parser.add_argument("--max-mb", type=float, default=None)
    parser.add_argument("--max-drop", type=float, default=None)
    options = parser.parse_args()
    bench = Bench(options.data, options.models)
    budget = BudgetSettings(max_mb=options.max_mb, max_drop=options.max_drop)
    started = time.monotonic()
    edition = plan_checkpoint(
        str(bench.teacher), options.out, "banking77", budget, bench.dev, bench.test, ExportRecipe(), Silent()
    )
    files.write_text(HERE / "budget.md", table(edition, time.monotonic() - started))


if __name__ == "__main__":
    main()
