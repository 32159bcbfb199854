"""What a web app costs in headless Chromium: first result after load, ms per text, bytes, and how near it is.

    .venv/bin/python benchmarks/web/measure.py dist/notices examples/notices/test.csv [--first]

Makes an app of each file, serves it as `python -m http.server` does, and writes the table in README.md here.
Needs Chromium, the Python package playwright, and npm for the engines. `--first` runs Chromium before all
other work of a busy machine (Linux, as root), for figures of the machine and not of its load.
"""

from __future__ import annotations

import base64
import csv
import functools
import gzip
import http.server
import os
import re
import shutil
import statistics
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import numpy as np

import pocketformer
from pocketformer import files
from pocketformer.apps import AppOptions, Subject, make_app

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FILES = (("litert", "int8"), ("litert", "fp32"), ("onnx", "int8"), ("onnx", "fp32"))
LOADS = 5
TEXTS = 100
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
README = Path(__file__).parent / "README.md"

# Notes when the first result is shown, in ms since the page began to load, and the longest task after that.
WATCH = """() => {
  window.longest = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.longest = Math.max(window.longest, entry.duration);
  }).observe({ type: "longtask" });
  new MutationObserver(() => {
    const result = document.getElementById("result");
    if (result?.dataset.empty === "false") window.first ??= performance.now();
  }).observe(document, { subtree: true, childList: true, attributes: true });
}"""

CLASSIFY = """async (texts) => {
  const { Classifier, loadCard } = await import("./js/classifier.js");
  const classifier = new Classifier(await loadCard());
  const bytes = texts.map((text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0)));
  for (const one of bytes) await classifier.classify(one);
  const found = [];
  for (const one of bytes) {
    const began = performance.now();
    const { scores, ids } = await classifier.classify(one);
    found.push({ ms: performance.now() - began, scores: [...scores], ids: [...ids] });
  }
  return found;
}"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """The handler of `python -m http.server`, without its log."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


def main(directory: Path, table: Path, first: bool) -> None:
    """Measure every file of an edition and write the table."""
    from playwright.sync_api import sync_playwright

    subject = Subject.load(directory)
    with table.open(encoding="utf-8", newline="") as stream:
        texts = [line["text"].encode() for line in csv.DictReader(stream)][:TEXTS]
    rows = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        chromium = playwright.chromium.launch(executable_path=executable(Path(folder), first), args=FLAGS)
        for engine, precision in FILES:
            name = f"{engine}-{precision}"
            make_app(directory, "web", Path(folder) / name, AppOptions(precision, engine))
            address = f"http://127.0.0.1:{server.server_port}/{name}/"
            rows.append(row(subject, chromium, address, Path(folder) / name, (engine, precision), texts))
            print(rows[-1], flush=True)
        version = chromium.version
        chromium.close()
        server.shutdown()
    machine = f"{os.cpu_count()} cores" + (", before all other work" if first else ", beside other work")
    write(rows, f"Chromium {version}, {len(texts)} texts, {LOADS} loads, {machine}")


def executable(folder: Path, first: bool) -> str:
    """Return the path of Chromium, or of a script that starts it before all other work."""
    chromium = shutil.which("chromium") or "chromium"
    if not first:
        return chromium
    script = folder / "chromium.sh"
    script.write_text(f'#!/bin/sh\nexec chrt --rr 1 {chromium} "$@"\n')
    script.chmod(0o755)
    return str(script)


def row(
    subject: Subject, browser: Browser, address: str, app: Path, chosen: tuple[str, str], texts: list[bytes]
) -> str:
    """Return one line of the table."""
    engine, precision = chosen
    measured = [first_load(browser, address) for _ in range(LOADS)]
    loads = [load for load, _ in measured]
    contents = [(app / path).read_bytes() for path in measured[0][1]]
    firsts = sorted(load["first"] / 1000 for load in loads)
    entry = subject.file(engine, precision)
    model = pocketformer.open(subject.directory / entry.file)
    page = browser.new_page()
    page.goto(address)
    found = classified(page, texts)
    golden = classified(page, [case.content for case in subject.golden.cases])
    page.close()
    times = sorted(one["ms"] for one in found)
    there = [list(model(case.content).scores.values()) for case in subject.golden.cases]
    from_python = max(
        np.abs(np.subtract(one["scores"], two)).max() for one, two in zip(golden, there, strict=True)
    )
    from_pytorch = max(
        np.abs(np.subtract(one["scores"], case.scores)).max()
        for one, case in zip(golden, subject.golden.cases, strict=True)
    )
    equal = sum(
        tuple(one["ids"]) == case.input_ids for one, case in zip(golden, subject.golden.cases, strict=True)
    )
    cells = (
        entry.file,
        f"{statistics.median(firsts):.2f} ({firsts[0]:.2f})",
        f"{statistics.median(times):.1f}",
        f"{times[int(len(times) * 0.9)]:.1f}",
        f"{max(load['longest'] for load in loads):.0f}" if any(load["longest"] for load in loads) else "none",
        f"{sum(len(content) for content in contents) / 1e6:.1f}",
        f"{sum(len(gzip.compress(content, 6)) for content in contents) / 1e6:.1f}",
        f"{equal} of {len(golden)}",
        f"{from_python:.1e}",
        f"{from_pytorch:.1e}",
    )
    return f"| {' | '.join(cells)} |"


def first_load(browser: Browser, address: str) -> tuple[dict[str, float], set[str]]:
    """Load a page with an empty cache, type a text; return what that took, and the paths it fetched."""
    context = browser.new_context()
    page = context.new_page()
    fetched: set[str] = set()
    context.on("response", lambda answer: fetched.add(answer.url))
    page.add_init_script(f"({WATCH})()")
    page.goto(address)
    page.wait_for_selector("#result[aria-busy=false]", timeout=120_000)
    first = page.evaluate("window.first")
    page.evaluate("window.longest = 0")
    page.focus("#text")
    page.keyboard.type(" Do not touch the blade while it is running.", delay=40)
    page.wait_for_selector("#result[aria-busy=false]")
    longest = page.evaluate("window.longest")
    context.close()
    paths = {unquote(url.removeprefix(address)) or "index.html" for url in fetched if url.startswith(address)}
    return {"first": first, "longest": longest}, paths


def classified(page: Page, texts: list[bytes]) -> list[dict[str, Any]]:
    """Classify texts one by one, each a second time for its time."""
    found: list[dict[str, Any]] = page.evaluate(CLASSIFY, [base64.b64encode(text).decode() for text in texts])
    return found


def write(rows: list[str], conditions: str) -> None:
    """Put the table between its marks in README.md."""
    head = (
        "| file | first result, s (best) | ms per text | 90 % below | longest task while typing, ms "
        "| MB | MB gzipped | ids equal | score, from `pocketformer.open` | from PyTorch |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    )
    made = "\n".join((*head, *rows, "", f"*{conditions}.*"))
    content = README.read_text("utf-8")
    marks = re.compile(r"(<!-- table: begin -->\n).*?(<!-- table: end -->)", re.DOTALL)
    files.write_text(README, marks.sub(lambda found: f"{found[1]}{made}\n{found[2]}", content))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), "--first" in sys.argv)
