"""A fresh process that opens one model file and says what that cost: `python -m pocketformer.bench.probe`.

It prints one line of JSON. It imports nothing but what an app's process would hold: numpy and the runtime.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from importlib import import_module
from pathlib import Path

import numpy as np

from pocketformer.prediction import TextModel
from pocketformer.targets import ANY, SignatureCard, TensorCard, target_of

_ANY_LENGTH = 16


def peak_memory_bytes() -> int:
    """Return the largest resident memory of this process so far.

    From `/proc` where there is one: `getrusage` hands a child its parent's peak on Linux.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS


def probe(path: Path, text: str | None) -> dict[str, float]:
    """Open `path`, run one text or its first signature, then every one; return the costs of each step."""
    target = target_of(path)
    import_module(target.runtime)  # the runtime itself is not the file's cost
    empty = peak_memory_bytes()
    start = time.perf_counter()
    model = TextModel(target.open(path))
    loaded = time.perf_counter()
    if text is None:
        _run(model, model.card.signatures[0])
    else:
        model(text) if model.labels else model.encode(text)
    answered = time.perf_counter()
    one_text = peak_memory_bytes()
    for card in model.card.signatures:
        _run(model, card)
    return {
        "load_ms": (loaded - start) * 1e3,
        "first_text_ms": (answered - loaded) * 1e3,
        "memory_bytes": one_text - empty,
        "all_memory_bytes": peak_memory_bytes() - empty,
    }


def _run(model: TextModel, card: SignatureCard) -> None:
    model.run(card.name, {tensor.name: np.zeros(_shape(tensor), tensor.dtype) for tensor in card.inputs})


def _shape(tensor: TensorCard) -> tuple[int, ...]:
    """Return the shape an input is tried at: its own, and a short one where any length will do."""
    return tuple(_ANY_LENGTH if size == ANY else size for size in tensor.shape)


if __name__ == "__main__":
    given = sys.stdin.read() if sys.argv[2:] == ["text"] else None
    sys.stdout.write(json.dumps(probe(Path(sys.argv[1]), given)))
