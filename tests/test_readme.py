"""What README tells a newcomer to type is what the commands take, and its Python runs."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer.main

from pocketformer.cli import app

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
APP = (Path(__file__).parent.parent / "docs" / "runtimes.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)
COMMANDS = [
    line.partition("#")[0].strip()
    for language, block in BLOCKS
    if not language
    for line in block.splitlines()
    if line.startswith("pocketformer ")
]
PYTHON = [block for language, block in BLOCKS if language == "python"]
PYTHON += re.findall(r"```python\n(.*?)```", APP, re.DOTALL)


def test_there_are_commands_and_code_to_check() -> None:
    assert len(COMMANDS) >= 8
    assert len(PYTHON) >= 3
    assert len(README.splitlines()) <= 150


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_is_parsed(line: str) -> None:
    """Only parsed: a wrong option or a missing argument would raise here."""
    _, name, *arguments = shlex.split(line)
    command = typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]
    command.make_context(name, arguments, resilient_parsing=False)


@pytest.mark.parametrize("block", PYTHON)
def test_python_runs(block: str, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    here = block.replace("dist/notices/notices.int8.tflite", str(finished / "tiny.int8.tflite"))
    exec(compile(here, "README.md", "exec"), names)


@pytest.mark.parametrize(
    "target", re.findall(r"\]\(([^)]+)\)", README) + re.findall(r"`(benchmarks/[\w/.]+)`", README)
)
def test_what_it_points_to_is_there(target: str) -> None:
    assert (Path(__file__).parent.parent / target).exists()
