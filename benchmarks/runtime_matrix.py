"""Try every kind of file on every runtime and write the table into docs/runtimes.md.

    .venv/bin/python benchmarks/runtime_matrix.py

The runtimes are installed into ~/.cache/pocketformer/runtimes once, about 100 MB each; the older half
needs Python 3.9. What is asserted of the table stands in tests/targets/test_runtime_matrix.py.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from runtime_files import OURS, STRANGE, File, make_files, outcome  # noqa: E402  # stands in tests/
from runtime_matrix import RUNTIMES, ask, environment  # noqa: E402

DOCUMENT = ROOT / "docs" / "runtimes.md"
START, END = "<!-- matrix: benchmarks/runtime_matrix.py -->", "<!-- end of the matrix -->"


def main() -> None:
    """Measure, and replace the table in the document."""
    with tempfile.TemporaryDirectory() as folder:
        files = make_files(Path(folder))
        table = {name: [file.release or "unknown", file.stated or "nothing"] for name, file in files.items()}
        for runtime in RUNTIMES:
            given = ask(environment(runtime), {name: file.job for name, file in files.items()}, {})["files"]
            for name, file in files.items():
                table[name].append(_cell(file, given[name], admitted=file.admits(runtime)))
    head, rest = DOCUMENT.read_text("utf-8").split(START)
    _, tail = rest.split(END)
    text = f"{START}\n{_tables(table)}\n{END}"
    DOCUMENT.write_text(head + text + tail, "utf-8")
    print(text)


def _cell(file: File, answer: dict[str, object], *, admitted: bool) -> str:
    result = outcome(file, answer)
    words = {"right": "✓", "refused": "refused", "wrong": "**wrong**"}[result.kind]
    return words if admitted or result.kind != "right" else "(✓)"


def _tables(table: dict[str, list[str]]) -> str:
    parts = []
    for title, names in (("Our files", OURS), ("Files as other tools leave them", STRANGE)):
        for package in ("tflite-runtime", "ai-edge-litert"):
            places = [place for place, runtime in enumerate(RUNTIMES) if runtime.package == package]
            versions = [RUNTIMES[place].version for place in places]
            lines = [
                f"| {title}, {package} | verdict | states | {' | '.join(versions)} |",
                "|---" * (3 + len(places)) + "|",
            ]
            for name in names:
                verdict, stated, *cells = table[name]
                chosen = " | ".join(cells[place] for place in places)
                lines.append(f"| {name} | {verdict} | {stated} | {chosen} |")
            parts.append("\n".join(lines))
    return "\n\n".join(parts)


if __name__ == "__main__":
    main()
