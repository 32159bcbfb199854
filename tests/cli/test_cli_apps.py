"""The commands `app` and `serve`, as a person types them."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest
import typer

from pocketformer.cli import apps


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[str, str]:
    """Run a command in this process; return standard output and standard error."""
    program = typer.Typer(pretty_exceptions_enable=False)
    program.command()(apps.app)
    program.command()(apps.serve)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["pocketformer", *map(str, arguments)])
        program(standalone_mode=False)
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_app_says_what_it_wrote_and_how_to_run_it(
    capsys: pytest.CaptureFixture[str], finished: Path, tmp_path: Path
) -> None:
    output = tmp_path / "app"
    out, err = run(capsys, "app", finished, "--platform", "android", "-o", output)
    assert out.startswith(f"Wrote {output}: ")
    assert "with tiny.int8.tflite" in out
    assert "Next: " in err
    out, _ = run(capsys, "app", finished, "--platform", "android", "-o", output, "--force", "--json")
    assert json.loads(out)["model"] == "tiny.int8.tflite"


def test_serve_serves_until_it_is_stopped(
    capsys: pytest.CaptureFixture[str], finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pocketformer.apps.web.app_tree", lambda subject, options: {"index.html": b"page"})
    monkeypatch.setattr("webbrowser.open", opened := _Browser())
    run(capsys, "serve", finished, "--port", 0)
    assert opened.page == b"page"


def test_serve_leaves_the_browser_alone_when_told_so(
    capsys: pytest.CaptureFixture[str], finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pocketformer.apps.web.app_tree", lambda subject, options: {"index.html": b"page"})
    monkeypatch.setattr("webbrowser.open", opened := _Browser())
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    out, err = run(capsys, "serve", finished, "--port", 0, "--no-browser")
    assert opened.page is None
    assert out.startswith(f"Serving {finished} on http://127.0.0.1:")
    assert "Press Ctrl-C to stop." in err
    assert err.endswith("Stopped.\n")


class _Browser:
    """Looks at the page, then presses Ctrl-C."""

    page: bytes | None = None

    def __call__(self, url: str) -> bool:
        threading.Thread(target=self._look, args=(url,)).start()
        return True

    def _look(self, url: str) -> None:
        with urllib.request.urlopen(url, timeout=10) as answer:
            self.page = answer.read()
        time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)
