"""A benchmark of files that take arrays: every signature of every file, in turns."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from pocketformer.bench.contenders import Contender
from pocketformer.bench.footprint import footprint
from pocketformer.bench.results import BenchResult, Timing
from pocketformer.bench.run import DEFAULT_ROUNDS, DEFAULT_THREADS, processor_name, timed
from pocketformer.errors import RecipeError
from pocketformer.targets import Arrays, target_of

Progress = Callable[[float, str], None]


def bench_arrays(
    paths: Sequence[Path],
    inputs_of: Callable[[Path], Mapping[str, Sequence[Arrays]]],
    *,
    rounds: int = DEFAULT_ROUNDS,
    threads: Sequence[int] = DEFAULT_THREADS,
    on_progress: Progress | None = None,
) -> BenchResult:
    """Time the signatures of files against each other, and weigh each file in a fresh process.

    Args:
        paths: Model files; those whose runtime is not on this machine are left out.
        inputs_of: For a file, sets of arrays by name for each of its signatures; the first set is timed.
        rounds: Measured calls of each signature.
        threads: Thread counts to measure, one after the other.
        on_progress: Called with the fraction done and a short message.

    Raises:
        RecipeError: There is no file that runs here, two of one name, or a count below one.
    """
    paths = [path for path in paths if target_of(path).is_native()]
    if not paths or rounds < 1 or min(threads, default=0) < 1:
        raise RecipeError(
            "A benchmark needs a file whose runtime is on this machine, and at least one round and one "
            "thread. Core ML packages are timed on a Mac only."
        )
    names = _told_apart(paths)
    timings: list[Timing] = []
    for place, count in enumerate(threads):
        contenders = []
        for path in paths:
            session = target_of(path).open(path, count)
            for signature, sets in inputs_of(path).items():
                call = partial(session.run, signature, sets[0])
                contenders.append(Contender(names[path], signature, _largest(sets[0]), call))
        timings += timed(contenders, rounds, count, _part(on_progress, place, len(threads)))
    return BenchResult(
        processor=processor_name(),
        cores=os.cpu_count() or 1,
        texts={},
        timings=tuple(timings),
        footprints=tuple(footprint(path, None) for path in paths),
        comparisons=(),
    )


def _told_apart(paths: Sequence[Path]) -> dict[Path, str]:
    """Call each file by its name, and by its whole path where two have the same."""
    names = [path.name for path in paths]
    return {path: path.name if names.count(path.name) == 1 else str(path) for path in paths}


def _largest(inputs: Mapping[str, np.ndarray]) -> int:
    return max((array.size for array in inputs.values()), default=0)


def _part(on_progress: Progress | None, place: int, parts: int) -> Progress | None:
    if on_progress is None:
        return None
    return lambda fraction, message: on_progress((place + fraction) / parts, message)
