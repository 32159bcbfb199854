"""LiteRT's `benchmark_model`: the flags it is given and what it prints.

Two programs have this name, over one base (`tflite/tools/benchmark/benchmark_model.cc` of LiteRT): one runs
the Interpreter, takes inputs from files and writes outputs; the other runs CompiledModel on random inputs.
A flag it does not know is a warning to both, so what was asked and ignored has to be looked for.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from pocketformer.errors import DeviceError, RecipeError

__all__ = ["DELEGATES", "Job", "Output", "arguments", "check_delegate", "read_output"]

#: What may compute, and the flags that ask for it. An app that sets nothing gets XNNPACK.
DELEGATES: dict[str, tuple[str, ...]] = {
    "xnnpack": (),
    "none": ("--use_xnnpack=false",),
    "gpu": ("--use_gpu=true",),
    "nnapi": ("--use_nnapi=true",),
}

#: What the input flags begin with: a program that ignores them draws random numbers.
_INPUT_FLAGS = ("--input_layer", "--output_filepath")
_WARM_UP_SECONDS = 0.5
_MOST_SECONDS = 60.0
_QUOTED_LINES = 4

_STAT = re.compile(r"\bcount=(\d+)\b(.*)")
_FIELD = re.compile(r"\b(first|curr|avg|median|p95)=([0-9.eE+-]+)")
_INIT = re.compile(r"Initialized session in ([0-9.eE+-]+) ?ms|Model initialization:\s*([0-9.]+) ms")
_COMPILED_FIRST = re.compile(r"Warmup \(first\):\s*([0-9.]+) ms")
_COMPILED_MEAN = re.compile(r"Inference \(avg\):\s*([0-9.]+) ms \((\d+) runs\)")
_REPLACED = re.compile(r"Replacing (\d+) out of (\d+) node\(s\) with delegate \((\w+)\)")
_IGNORED = re.compile(r"Unconsumed cmdline flags:\s*(.*)")
_PREFIX = re.compile(r"^(?:INFO|WARN|WARNING|ERROR|VERBOSE): *")


@dataclass(frozen=True, slots=True)
class Job:
    """One start of the program.

    Attributes:
        graph: Path of the file on the phone.
        signature: Which; "" for a file without signatures.
        threads: Processor threads.
        delegate: A name of `DELEGATES`.
        runs: Least measured calls.
        seconds: Least seconds to measure for.
        inputs: For each input in the order of the file's subgraph: its shape, and the file of its bytes.
        output: Where the outputs' bytes go.
    """

    graph: str
    signature: str
    threads: int
    delegate: str
    runs: int
    seconds: float
    inputs: tuple[tuple[tuple[int, ...], str], ...]
    output: str


@dataclass(frozen=True, slots=True)
class Output:
    """What one start of the program told. Times in milliseconds; None where it did not tell.

    Attributes:
        runs: Measured calls.
        warm_up_ms: All of the warm-up together, from which on the measured calls run.
        replaced: Operations that the delegate took, and how many there are.
        ignored: Flags it does not know.
    """

    init_ms: float
    first_ms: float | None
    warm_up_ms: float
    runs: int
    mean_ms: float
    median_ms: float | None
    p95_ms: float | None
    replaced: tuple[int, int] | None
    ignored: tuple[str, ...]

    @property
    def random_inputs(self) -> bool:
        """Whether it drew its inputs, because it takes none from files."""
        return any(flag.startswith(_INPUT_FLAGS[0]) for flag in self.ignored)

    @property
    def wrote_outputs(self) -> bool:
        """Whether it wrote what the inputs given to it result in."""
        return not any(flag.startswith(_INPUT_FLAGS) for flag in self.ignored)


def check_delegate(name: str) -> None:
    """Refuse a delegate that there is not.

    Raises:
        RecipeError: It is none of `DELEGATES`.
    """
    if name not in DELEGATES:
        raise RecipeError(f"There is no delegate {name!r}; there are {', '.join(DELEGATES)}.")


def arguments(job: Job) -> str:
    """Return the program's arguments for a job, ready for a shell."""
    flags = [
        f"--graph={job.graph}",
        f"--num_threads={job.threads}",
        f"--num_runs={job.runs}",
        f"--min_secs={job.seconds:g}",
        f"--max_secs={max(_MOST_SECONDS, 2 * job.seconds):g}",
        "--warmup_runs=1",
        f"--warmup_min_secs={_WARM_UP_SECONDS:g}",
        *DELEGATES[job.delegate],
    ]
    if job.signature:
        flags.append(f"--signature_to_run_for={job.signature}")
    if job.inputs:
        # It knows inputs by their place alone; what they are called here only has to agree.
        names = [f"input{place}" for place in range(len(job.inputs))]
        files = [file for _, file in job.inputs]
        shapes = [",".join(map(str, shape)) for shape, _ in job.inputs]
        pairs = [f"{name}:{file}" for name, file in zip(names, files, strict=True)]
        flags += [
            f"--input_layer={','.join(names)}",
            f"--input_layer_shape={':'.join(shapes)}",
            f"--input_layer_value_files={','.join(pairs)}",
            f"--output_filepath={job.output}",
        ]
    return shlex.join(flags)


def read_output(text: str, code: int, job: Job) -> Output:
    """Read what the program printed, standard output and error together.

    Args:
        text: What it printed.
        code: Its exit code.
        job: What it was asked.

    Raises:
        DeviceError: It failed, or ignored something without which the figures are another file's.
    """
    ignored = tuple(flag for found in _IGNORED.findall(text) for flag in found.split())
    stats = [_stat(*match) for match in _STAT.findall(text)]
    init = _INIT.search(text)
    compiled = _COMPILED_MEAN.search(text)
    _refuse_ignored(ignored, job)
    if code != 0 or init is None or not (stats or compiled):
        raise DeviceError(
            f"benchmark_model failed at {_subject(job)} with exit code {code}. Its last lines: {_end(text)}"
        )
    if stats:
        measured, warm_up = stats[-1], stats[0] if len(stats) > 1 else None
    else:
        assert compiled is not None
        measured, warm_up = {"count": float(compiled[2]), "avg": float(compiled[1]) * 1e3}, None
    first = _COMPILED_FIRST.search(text)
    first_us = warm_up.get("first") if warm_up else None
    return Output(
        init_ms=float(init[1] or init[2]),
        first_ms=float(first[1]) if first else _ms(first_us),
        warm_up_ms=warm_up["count"] * warm_up["avg"] / 1e3 if warm_up else 0.0,
        runs=int(measured["count"]),
        mean_ms=measured["avg"] / 1e3,
        median_ms=_ms(measured.get("median")),
        p95_ms=_ms(measured.get("p95")),
        replaced=_replaced(text, job.delegate),
        ignored=ignored,
    )


def _stat(count: str, fields: str) -> dict[str, float]:
    """Read "count=24 first=42142 curr=42232 … avg=42435.4 … median=42405 p95=42729", in microseconds.

    One call, or several that took the same, come as "count=1 curr=1041765" alone.
    """
    found = {name: float(value) for name, value in _FIELD.findall(fields)}
    only = found.get("curr", 0.0)
    return {"count": float(count), "first": only, "avg": only, **found}


def _replaced(text: str, delegate: str) -> tuple[int, int] | None:
    found = [
        (int(taken), int(count)) for taken, count, name in _REPLACED.findall(text) if delegate in name.lower()
    ]
    if not found:
        return (0, 0) if delegate in ("gpu", "nnapi") else None
    return sum(taken for taken, _ in found), sum(count for _, count in found)


def _refuse_ignored(ignored: Sequence[str], job: Job) -> None:
    asked = ("--signature_to_run_for", *(flag.partition("=")[0] for flag in DELEGATES[job.delegate]))
    for flag in ignored:
        if flag.startswith(asked):
            raise DeviceError(
                f"This benchmark_model does not know {flag.partition('=')[0]}, so it measured something else "
                f"than {_subject(job)}. Give a newer one, or one for the Interpreter (docs/device.md)."
            )


def _subject(job: Job) -> str:
    name = job.graph.rsplit("/", 1)[-1]
    return f"{name}, signature {job.signature or 'of the file'}, {job.delegate}, threads: {job.threads}"


def _end(text: str) -> str:
    lines = [_PREFIX.sub("", line).strip() for line in text.splitlines()]
    return " / ".join([line for line in lines if line][-_QUOTED_LINES:]) or "it printed nothing"


def _ms(microseconds: float | None) -> float | None:
    return None if microseconds is None else microseconds / 1e3
