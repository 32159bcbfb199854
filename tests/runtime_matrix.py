"""Real TFLite and LiteRT runtimes, old and new, each in an environment of its own.

from runtime_matrix import RUNTIMES, environment, ask
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

_PROBE = Path(__file__).with_name("runtime_probe.py")
_QUIET = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}


@dataclass(frozen=True)
class Runtime:
    """A released package, and the newest release whose operations it has, all of them."""

    package: str
    version: str
    release: str

    @property
    def name(self) -> str:
        return f"{self.package} {self.version}"

    @property
    def python(self) -> str:
        """The newest Python that has wheels of it, of those we look for."""
        return "3.9" if self.package == "tflite-runtime" else "3.11"


RUNTIMES = (
    Runtime("tflite-runtime", "2.7.0", "2.7"),
    Runtime("tflite-runtime", "2.8.0", "2.8"),
    Runtime("tflite-runtime", "2.9.1", "2.9"),
    Runtime("tflite-runtime", "2.10.0", "2.10"),
    Runtime("tflite-runtime", "2.11.0", "2.11"),
    Runtime("tflite-runtime", "2.12.0", "2.12"),
    Runtime("tflite-runtime", "2.13.0", "2.13"),
    Runtime("tflite-runtime", "2.14.0", "2.14"),
    Runtime("ai-edge-litert", "1.0.1", "2.18"),
    Runtime("ai-edge-litert", "1.1.2", "2.19"),
    Runtime("ai-edge-litert", "1.2.0", "2.19"),
    Runtime("ai-edge-litert", "1.4.0", "2.19"),
    Runtime("ai-edge-litert", "2.0.3", "2.20"),
    Runtime("ai-edge-litert", "2.1.6", "2.22"),
    Runtime("ai-edge-litert", "2.3.0", "2.23"),
)


# Each stands on a border of the table; `.ci/run` installs no others, as all fifteen take minutes.
_BORDERS = (
    "tflite-runtime 2.7.0", "tflite-runtime 2.8.0", "tflite-runtime 2.14.0",
    "ai-edge-litert 1.0.1", "ai-edge-litert 1.2.0", "ai-edge-litert 2.1.6",
)  # fmt: skip


class NoEnvironmentError(Exception):
    """A runtime cannot be had on this machine; the message says why."""


def environment(runtime: Runtime) -> Path:
    """Return the Python of an environment with a runtime, made once and kept in the user's cache.

    Raises:
        NoEnvironmentError: No Python of its time is here, or the package cannot be installed.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "pocketformer" / "runtimes" / f"{runtime.package}-{runtime.version}"
    python = folder / "bin" / "python"
    if (folder / "ready").is_file():
        return python
    if os.environ.get("POCKETFORMER_RUNTIMES") == "borders" and runtime.name not in _BORDERS:
        raise NoEnvironmentError(f"POCKETFORMER_RUNTIMES=borders leaves {runtime.name} out")
    shutil.rmtree(folder, ignore_errors=True)
    wanted = f"{runtime.package}=={runtime.version}"
    _checked([_python(runtime.python), "-m", "venv", str(folder)], f"no environment for {wanted}")
    _checked([str(python), "-m", "pip", "install", "-q", wanted, "numpy<2"], f"{wanted} cannot be installed")
    (folder / "ready").touch()
    return python


def ask(python: Path, files: dict[str, dict[str, Any]], operations: dict[str, str]) -> dict[str, Any]:
    """Return what a runtime gives for calls on files, and which operations it has (see runtime_probe.py)."""
    with tempfile.TemporaryDirectory() as folder:
        job = Path(folder) / "job.json"
        job.write_text(json.dumps({"files": files, "operations": operations}), "utf-8")
        command = [str(python), str(_PROBE), str(job)]
        done = subprocess.run(
            command, capture_output=True, text=True, env={**os.environ, **_QUIET}, check=True
        )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def call(signature: str | None, inputs: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return a call as the probe reads it."""
    return {
        "signature": signature,
        "inputs": {name: (array.dtype.name, array.tolist()) for name, array in inputs.items()},
    }


def _python(version: str) -> str:
    candidates = [shutil.which(f"python{version}")]
    candidates += [str(path) for path in Path.home().glob(f".pyenv/versions/{version}.*/bin/python")]
    for candidate in filter(None, candidates):
        if subprocess.run([candidate, "--version"], capture_output=True, check=False).returncode == 0:
            return candidate
    raise NoEnvironmentError(f"no Python {version} on this machine; the wheels need it")


def _checked(command: list[str], failure: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise NoEnvironmentError(f"{failure}: {last}")
