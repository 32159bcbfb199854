"""A phone at the other end of a real adb server, and a program for it that measures for real."""

from __future__ import annotations

import os
import platform
import runpy
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TOOLS = ("adb", "mksh", "toybox")


def tools_or_skip() -> None:
    """Skip where adb, or what Android's shell is made of, is missing; fail where it must be there."""
    missing = [name for name in TOOLS if shutil.which(name) is None]
    if platform.machine() != "x86_64" or sys.platform != "linux":
        missing.append("Linux on x86-64, for which the stand-in's launcher is")
    if missing and os.environ.get("POCKETFORMER_REQUIRE_TOOLS") == "1":
        pytest.fail(f"missing: {', '.join(missing)}")
    if missing:
        pytest.skip(f"needs {', '.join(missing)} (apt install {' '.join(TOOLS)})")


@dataclass
class RunningPhone:
    """A phone that runs: its folder, what adb calls it, and whether it is there."""

    root: Path
    serial: str
    process: subprocess.Popen[str]

    def answer(self, name: str, old: str, new: str) -> None:
        """Change what the phone answers."""
        path = self.root / "answers" / name
        content = path.read_text()
        assert old in content
        path.write_text(content.replace(old, new))

    def left(self) -> list[str]:
        """Return what is in the folder where programs may lie."""
        return sorted(path.name for path in (self.root / "data/local/tmp").iterdir())

    def asked(self) -> str:
        """Return every command that its shell was given."""
        return (self.root / "commands").read_text()


@pytest.fixture
def adb_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run an adb server of our own, with keys of our own; nobody else's is touched."""
    tools_or_skip()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(port))
    monkeypatch.delenv("ANDROID_SERIAL", raising=False)
    monkeypatch.delenv("POCKETFORMER_BENCHMARK_MODEL", raising=False)
    subprocess.run(["adb", "start-server"], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["adb", "kill-server"], check=True, capture_output=True)


@pytest.fixture
def connect(adb_server: None, tmp_path: Path) -> Iterator[Callable[..., RunningPhone]]:
    """Start a phone, and connect it to the adb server."""
    phones: list[RunningPhone] = []

    def start(state: str = "device") -> RunningPhone:
        root = tmp_path / f"phone{len(phones)}"
        root.mkdir()
        command = [sys.executable, str(HERE / "device_script.py"), str(root), state]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        serial = f"127.0.0.1:{int(process.stdout.readline())}"
        phones.append(RunningPhone(root, serial, process))
        # A phone that does not answer fails here, and is listed all the same.
        subprocess.run(["adb", "connect", serial], check=False, capture_output=True, timeout=60)
        return phones[-1]

    yield start
    for phone in phones:
        phone.process.kill()
        phone.process.wait()
        assert phone.process.stdout is not None
        phone.process.stdout.close()


@pytest.fixture
def make_tool(tmp_path: Path) -> Callable[..., Path]:
    """Make a program for the phone, of one of the stand-in's kinds."""
    launcher = runpy.run_path(str(HERE / "stand_in.py"))["launcher"]

    def make(kind: str = "interpreter") -> Path:
        script = tmp_path / f"{kind}.py"
        script.write_text(
            f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(HERE)!r})\n"
            f"import stand_in\nstand_in.main({kind!r})\n"
        )
        script.chmod(0o755)
        tool = tmp_path / f"{kind}_benchmark_model"
        tool.write_bytes(launcher(script))
        return tool

    return make
