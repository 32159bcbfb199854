"""Write an edition's summary table into README.md, between its markers.

python benchmarks/update_readme.py dist/notices
"""

from __future__ import annotations

import sys
from pathlib import Path

from pocketformer import files
from pocketformer.edition import Edition
from pocketformer.report import summary_table

README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"


def main() -> None:
    """Replace what stands between the markers."""
    edition = Edition.load(Path(sys.argv[1]))
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    files.write_text(README, f"{before}{BEGIN}\n{summary_table(edition)}\n{END}{after}")
    print(f"Wrote the table of {edition.name} into {README.name}")


if __name__ == "__main__":
    main()
