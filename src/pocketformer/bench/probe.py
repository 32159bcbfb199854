"""A fresh process that opens one model file and says what that cost: `python -m pocketformer.bench.probe`.

It prints one line of JSON. It imports nothing but what an app's process would hold: numpy and the runtime.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np

from pocketformer.bench.energy import Energy, Meter, energy_of, meter
from pocketformer.prediction import TextModel
from pocketformer.targets import ANY, SignatureCard, TensorCard, target_of

_ANY_LENGTH = 16
_LEAST_SECONDS = 0.3  # of runs for the processor time, where no energy is measured


def peak_memory_bytes() -> int:
    """Return the largest resident memory of this process so far.

    From `/proc` where there is one: `getrusage` hands a child its parent's peak on Linux.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS


def probe(path: Path, text: str | None, sysfs: Path) -> dict[str, float | str | None]:
    """Open `path`, run one text or its first signature, then every one; return the costs of each step.

    At the end the text is run again and again, for its processor time and its energy.
    """
    target = target_of(path)
    import_module(target.runtime)  # the runtime itself is not the file's cost
    empty = peak_memory_bytes()
    start = time.perf_counter()
    model = TextModel(target.open(path))
    loaded = time.perf_counter()
    call = _call(model, text)
    call()
    answered = time.perf_counter()
    one_text = peak_memory_bytes()
    for card in model.card.signatures:
        _run(model, card)
    all_memory = peak_memory_bytes()
    energy, note = _energy(call, sysfs)
    return {
        "load_ms": (loaded - start) * 1e3,
        "first_text_ms": (answered - loaded) * 1e3,
        "memory_bytes": one_text - empty,
        "all_memory_bytes": all_memory - empty,
        "cpu_percent": energy.cpu_percent,
        "energy_mj": energy.above_idle_mj,
        "energy_with_idle_mj": energy.total_mj,
        "energy_note": note,
    }


def _energy(call: Callable[[], object], sysfs: Path) -> tuple[Energy, str]:
    """Return processor time and energy of a call, and a sentence on the latter."""
    found = meter(sysfs)
    if not isinstance(found, str):
        try:
            energy = energy_of(call, found, least_seconds=_LEAST_SECONDS)
        except (OSError, ValueError) as error:
            # A driver that stopped answering costs the figure, not the rest.
            found = f"{found.source[0].upper()}{found.source[1:]} gave no figure: {error}."
        else:
            return energy, _note(found, energy)
    return energy_of(call, None, least_seconds=_LEAST_SECONDS), found


def _note(found: Meter, energy: Energy) -> str:
    return (
        f"Energy is that of {found.source}, all programs included, above the {energy.idle_watts:.3g} W it "
        f"took idle; over {energy.calls:,} runs in {energy.seconds:.1f} s."
    )


def _call(model: TextModel, text: str | None) -> Callable[[], object]:
    """Return what is run: one text, or the first signature of a file that takes arrays."""
    if text is None:
        return partial(_run, model, model.card.signatures[0])
    return partial(model if model.labels else model.encode, text)


def _run(model: TextModel, card: SignatureCard) -> None:
    model.run(card.name, {tensor.name: np.zeros(_shape(tensor), tensor.dtype) for tensor in card.inputs})


def _shape(tensor: TensorCard) -> tuple[int, ...]:
    """Return the shape an input is tried at: its own, and a short one where any length will do."""
    return tuple(_ANY_LENGTH if size == ANY else size for size in tensor.shape)


if __name__ == "__main__":
    given = sys.stdin.read() if sys.argv[3:] == ["text"] else None
    sys.stdout.write(json.dumps(probe(Path(sys.argv[1]), given, Path(sys.argv[2]))))
