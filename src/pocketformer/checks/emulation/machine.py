"""An emulated machine: QEMU's user mode, one processor, and an arm64 root."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

import pocketformer
from pocketformer.checks.emulation import worker
from pocketformer.checks.emulation.answers import Answers
from pocketformer.checks.emulation.processors import Processor
from pocketformer.checks.emulation.root import PINNED, Root
from pocketformer.checks.golden import STATE_VALUES
from pocketformer.errors import EmulationError
from pocketformer.prediction import open as open_model

__all__ = ["FORMAT", "Machine", "answers_here"]

#: The only format that is emulated: its runtime is the one of arm64 phones, and has wheels for arm64 Linux.
FORMAT = "litert"

_EMULATORS = ("qemu-aarch64-static", "qemu-aarch64")
_QUIET = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}

Progress = Callable[[float, str], None]


class Machine:
    """Runs files with the stock runtime on emulated arm64 processors.

    Args:
        root: An arm64 Linux.

    Raises:
        EmulationError: QEMU is not on this machine.
    """

    def __init__(self, root: Root) -> None:
        self._root = root
        self._emulator = _found_emulator()
        self.emulator = _told_version(self._emulator)
        self.runtime = _runtime()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    def stop(self) -> None:
        """End all that runs, from any thread; nothing is run afterwards."""
        self._stopped = True
        for program in tuple(self._running):
            program.kill()

    def answers(
        self,
        processor: Processor,
        path: Path,
        texts: Sequence[bytes],
        classified: Sequence[bool],
        on_progress: Progress | None = None,
        plain: bool = False,
    ) -> Answers:
        """Run a file over texts on an emulated processor.

        Args:
            processor: Which one.
            path: A LiteRT file that takes text.
            texts: UTF-8 bytes.
            classified: For each text whether it is classified too, or only tokenized.
            on_progress: Called with the fraction done and a short message.
            plain: Run the runtime's portable kernels instead of XNNPACK's, which are chosen by processor.

        Raises:
            EmulationError: The emulated program ended early.
        """
        start = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="pocketformer-arm64-") as name:
            work = Path(name)
            command = [
                *self._command(processor, work),
                str(_job(work, self._root, path, texts, classified, plain)),
            ]
            lines = list(self._lines(command, work, len(texts), on_progress))
        if len(lines) < len(texts) + 1:
            raise EmulationError(
                f"The emulated program ended after {len(lines)} of {len(texts) + 1} answers."
            )
        return _gathered(lines[1:], tuple(lines[0]["features"]), time.monotonic() - start)

    def _command(self, processor: Processor, work: Path) -> list[str]:
        view = _view(self._root.folder, work / "view", processor)
        emulated = [str(self._emulator), "-cpu", processor.option, "-L", str(view)]
        python = [str(self._root.python), "-I", "-X", f"pycache_prefix={self._root.bytecode}"]
        return [*emulated, *python, worker.__file__]

    def _lines(
        self, command: Sequence[str], work: Path, expected: int, on_progress: Progress | None
    ) -> Iterator[dict[str, Any]]:
        complaints = work / "stderr.txt"
        # A clean environment: what is set for this machine's libraries may not hold for those of arm64.
        environment = {"PATH": os.defpath, "HOME": str(work), **_QUIET}
        if self._stopped:
            raise EmulationError("The emulation was stopped.")
        with complaints.open("wb") as stderr:
            program = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, env=environment)
        assert program.stdout is not None
        self._running.add(program)
        try:
            for number, line in enumerate(program.stdout):
                yield json.loads(line)
                if on_progress is not None and number:
                    on_progress(number / expected, f"{number:,} of {expected:,} texts")
            code = program.wait()
        finally:
            with contextlib.suppress(ProcessLookupError):
                program.kill()
            program.wait()
            self._running.discard(program)
            program.stdout.close()
        if code:
            raise EmulationError(_failure(code, complaints.read_text("utf-8", "replace"), self.emulator))


def answers_here(
    path: Path, texts: Sequence[bytes], classified: Sequence[bool], plain: bool = False
) -> Answers:
    """Run a file over texts on this machine, the same way as `Machine.answers` does."""
    start = time.monotonic()
    model = worker.opened(path, plain=True) if plain else open_model(path)
    lines = [worker.answer(model, text, asked) for text, asked in zip(texts, classified, strict=True)]
    return _gathered(lines, (), time.monotonic() - start)


def _job(
    work: Path, root: Root, path: Path, texts: Sequence[bytes], classified: Sequence[bool], plain: bool
) -> Path:
    """Write what the worker is to do."""
    # By a link of its own: QEMU looks for folders of the system in the root first, and lists those.
    source = work / "source"
    source.mkdir()
    (source / "pocketformer").symlink_to(
        Path(pocketformer.__file__).resolve().parent, target_is_directory=True
    )
    job = {
        "file": str(path.resolve()),
        "libraries": [str(source), str(root.libraries)],
        "texts": [base64.b64encode(text).decode() for text in texts],
        "classified": list(classified),
        "plain": plain,
    }
    written = work / "job.json"
    written.write_text(json.dumps(job), "utf-8")
    return written


def _view(root: Path, view: Path, processor: Processor) -> Path:
    """Make a folder that shows a root with the processor's own `/proc/cpuinfo`.

    The runtime reads there which core it is on, in order to choose kernels. Before QEMU 8.1 it would read
    this machine's, find no arm64 core in it, and crash.
    """
    view.mkdir()
    for entry in root.iterdir():
        if entry.name not in ("proc", "sys", "tmp"):
            (view / entry.name).symlink_to(entry)
    (view / "proc").mkdir()
    (view / "proc/cpuinfo").write_text(processor.cpuinfo, "utf-8")
    cores = view / "sys/devices/system/cpu"
    cores.mkdir(parents=True)
    for name in ("possible", "present"):
        (cores / name).write_text("0\n", "utf-8")
    return view


def _gathered(lines: Sequence[dict[str, Any]], features: tuple[str, ...], seconds: float) -> Answers:
    states = [np.array(line["state"], np.float32) for line in lines if "state" in line]
    values = [np.array(line["values"], np.float32) for line in lines if "values" in line]
    values += [np.append(state[:STATE_VALUES], np.linalg.norm(state)).astype(np.float32) for state in states]
    scores = [np.array(line["scores"], np.float32) for line in lines if "scores" in line]
    return Answers(
        ids=tuple(tuple(line["ids"]) for line in lines),
        values=np.stack(values),
        scores=np.stack(scores) if scores else None,
        features=features,
        runtime=_runtime(),
        seconds=seconds,
    )


def _runtime() -> str:
    """Return name and version of what runs the files, here and there, as "ai-edge-litert 2.3.0"."""
    return f"{PINNED[0]} {version(PINNED[0])}"


def _found_emulator() -> Path:
    for name in _EMULATORS:
        found = shutil.which(name)
        if found is not None:
            return Path(found)
    raise EmulationError(
        f"{' or '.join(_EMULATORS)} is needed to run arm64 programs and is not on this machine. On Debian or "
        "Ubuntu: apt-get install qemu-user-static (docs/arm64.md)."
    )


def _told_version(emulator: Path) -> str:
    """Return name and version, as "qemu-aarch64 7.2.22"."""
    done = subprocess.run([str(emulator), "--version"], capture_output=True, text=True, check=False)
    words = done.stdout.split()
    if done.returncode or len(words) < 3:
        raise EmulationError(f"{emulator} does not tell its version; is it QEMU's user mode?")
    return f"{words[0]} {words[2]}"


def _failure(code: int, complaints: str, emulator: str) -> str:
    ended = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
    lines = [line.strip() for line in complaints.splitlines() if line.strip()]
    last = lines[-1] if lines else "no message"
    return (
        f"The program in {emulator} ended {ended}: {last}. QEMU 7.2 or newer is needed; a root of your own "
        "needs glibc. docs/arm64.md tells how to look further."
    )
