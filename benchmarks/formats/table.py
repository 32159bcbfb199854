"""Every precision of an edition in every format: what it costs and what it loses.

python benchmarks/formats/table.py dist/formats/banking77 dist/formats/titles-zh

Writes results.md beside this file, one table per edition.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pocketformer import files
from pocketformer.edition import Edition
from pocketformer.report import summary_table
from pocketformer.report.lookups import reference_quality

RESULTS = Path(__file__).parent / "results.md"


def section(edition: Edition) -> str:
    """Return an edition's table under its name, with what has to be matched and what has to be beaten."""
    reference, baselines = reference_quality(edition), edition.baselines
    assert reference is not None
    assert baselines is not None
    rows = max(file.verdict.parity.texts for file in edition.files if file.verdict is not None)
    head = (
        f"## {edition.name}\n{rows:,} held-out rows. PyTorch: {100 * reference.accuracy:.2f} %; "
        f"TF-IDF + linear: {100 * baselines.linear.accuracy:.2f} %."
    )
    return f"{head}\n\n{summary_table(edition)}\n"


def main() -> None:
    """Write the tables of the editions that were named."""
    editions = [Edition.load(Path(given)) for given in sys.argv[1:]]
    files.write_text(RESULTS, "\n".join(section(edition) for edition in editions))
    print(f"Wrote {RESULTS.name}: {', '.join(edition.name for edition in editions)}")


if __name__ == "__main__":
    main()
