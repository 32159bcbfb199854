"""What a LiteRT file of several signatures costs in memory, with and without XNNPACK's weight cache.

    .venv/bin/python benchmarks/litert_memory.py dist/notices/notices.int8.tflite classify_128

Each way of opening has a process of its own. Private memory is what the process alone holds (`Private_…` of
/proc/self/smaps_rollup) after the first run, less what Python and its packages held before.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

RUNS = 15


def main(path: str, signature: str) -> None:
    """Measure every way of opening a file and print a table."""
    with tempfile.TemporaryDirectory() as folder:
        disk = str(Path(folder) / "weights.cache")
        ways = {
            "Interpreter": [],
            "CompiledModel": [""],
            "CompiledModel, cache in memory": [":memory"],
            "CompiledModel, cache on disk, first time": [disk],
            "CompiledModel, cache on disk, again": [disk],
        }
        print("| opened with | private memory | first run | run, CPU time |")
        print("|---|---:|---:|---:|")
        for name, way in ways.items():
            command = [sys.executable, __file__, "--measure", path, signature, *way]
            found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
            cells = f"{found['memory_mb']:.0f} MB | {found['first_ms']:.0f} ms | {found['run_ms']:.1f} ms"
            print(f"| {name} | {cells} |")


def measure(path: str, signature: str, cache: str | None = None) -> dict[str, float]:
    """Open a file, run it, and return what that took.

    Args:
        path: The file.
        signature: What to run, on ones.
        cache: Where XNNPACK keeps packed weights: "" nowhere, ":memory" in memory. None takes the
            Interpreter.
    """
    before = _private_memory_mb()
    started = time.perf_counter()
    run = _interpreter(path, signature) if cache is None else _compiled(path, signature, cache)
    run()
    first = time.perf_counter() - started
    times = []
    for _ in range(RUNS):
        started = time.thread_time()
        run()
        times.append(time.thread_time() - started)
    return {
        "memory_mb": _private_memory_mb() - before,
        "first_ms": first * 1e3,
        "run_ms": float(np.median(times)) * 1e3,
    }


def _interpreter(path: str, signature: str) -> Callable[[], Any]:
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(path, num_threads=1).get_signature_runner(signature)
    details = runner.get_input_details()
    inputs = {name: np.ones(one["shape"], one["dtype"]) for name, one in details.items()}
    return lambda: runner(**inputs)


def _compiled(path: str, signature: str, cache: str) -> Callable[[], Any]:
    from ai_edge_litert.compiled_model import CompiledModel
    from ai_edge_litert.options import CpuOptions, Options

    options = Options(cpu_options=CpuOptions(num_threads=1, xnnpack_weight_cache_path=cache))
    model = CompiledModel.from_file(path, options=options)
    index = model.get_signature_index(signature)
    inputs, outputs = model.create_input_buffers(index), model.create_output_buffers(index)
    details = model.get_input_tensor_details(signature)
    for name, buffer in zip(model.get_signature_by_index(index)["inputs"], inputs, strict=True):
        buffer.write(np.ones(details[name]["shape"], np.int32))
    return lambda: model.run_by_index(index, inputs, outputs)


def _private_memory_mb() -> float:
    lines = Path("/proc/self/smaps_rollup").read_text("ascii").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024


if __name__ == "__main__":
    if sys.argv[1] == "--measure":
        print(json.dumps(measure(*sys.argv[2:])))
    else:
        main(*sys.argv[1:])
