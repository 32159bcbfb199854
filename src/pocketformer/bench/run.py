"""One run of the benchmark over the files of a model."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from pocketformer.bench.contenders import (
    FIXED_LENGTH,
    PYTORCH,
    Contender,
    fixed_length_file,
    of_file,
    of_fixed_length,
    of_pytorch,
    texts_of_real_lengths,
)
from pocketformer.bench.footprint import footprint
from pocketformer.bench.interleave import interleave
from pocketformer.bench.results import BenchResult, Comparison, Timing
from pocketformer.errors import RecipeError
from pocketformer.prediction import open as open_model
from pocketformer.targets import target_of

Progress = Callable[[float, str], None]

DEFAULT_ROUNDS = 30
DEFAULT_THREADS = (1, 2)


def bench(
    paths: Sequence[Path],
    texts: Sequence[str],
    checkpoint: str | None = None,
    *,
    rounds: int = DEFAULT_ROUNDS,
    threads: Sequence[int] = DEFAULT_THREADS,
    on_progress: Progress | None = None,
) -> BenchResult:
    """Time files against each other, PyTorch and a fixed-length file, and weigh each in a fresh process.

    Args:
        paths: Model files that take text; those whose runtime is not on this machine are left out.
        texts: Real texts; four of different lengths are chosen from them.
        checkpoint: The checkpoint the files were exported from; None leaves the baselines out.
        rounds: Measured calls of each contender.
        threads: Thread counts to measure, one after the other.
        on_progress: Called with the fraction done and a short message.

    Raises:
        RecipeError: There is no file that runs here, no text, or a count below one.
    """
    paths = [path for path in paths if target_of(path).is_native()]
    if not paths or not texts or rounds < 1 or min(threads, default=0) < 1:
        raise RecipeError(
            "A benchmark needs a file whose runtime is on this machine, a text, and at least one round and "
            "one thread. Core ML packages are timed on a Mac only."
        )
    model = open_model(paths[0])
    chosen = texts_of_real_lengths(model, texts)
    length = max(model.card.metadata["lengths"])
    del model
    timings: list[Timing] = []
    with ExitStack() as stack:
        fixed = None if checkpoint is None else stack.enter_context(fixed_length_file(checkpoint, length))
        for index, count in enumerate(threads):
            contenders = [contender for path in paths for contender in of_file(path, chosen, count)]
            if checkpoint is not None and fixed is not None:
                contenders += of_pytorch(checkpoint, chosen, count)
                contenders += of_fixed_length(fixed, checkpoint, chosen, count)
            timings += timed(contenders, rounds, count, _part(on_progress, index, len(threads)))
    shortest = chosen[min(chosen)]
    return BenchResult(
        processor=processor_name(),
        cores=os.cpu_count() or 1,
        texts=chosen,
        timings=tuple(timings),
        footprints=tuple(footprint(path, shortest) for path in paths),
        comparisons=tuple(_comparisons(paths, chosen, threads, timings)),
    )


def processor_name() -> str:
    """Return the processor's name as the system tells it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def timed(
    contenders: Sequence[Contender], rounds: int, threads: int, on_progress: Progress | None = None
) -> list[Timing]:
    """Time contenders in turns, after a warm-up: one row for each."""
    calls = {index: contender.call for index, contender in enumerate(contenders)}
    measured = interleave(calls, rounds, on_progress=on_progress)
    return [
        Timing(
            contender=contender.contender,
            work=contender.work,
            tokens=contender.tokens,
            threads=threads,
            runs=rounds,
            median_ms=statistics.median(measured[index]),
            p95_ms=sorted(measured[index])[max(0, -(-rounds * 95 // 100) - 1)],
        )
        for index, contender in enumerate(contenders)
    ]


def _comparisons(
    paths: Sequence[Path], texts: dict[int, str], threads: Sequence[int], timings: Sequence[Timing]
) -> list[Comparison]:
    """Set the fastest file beside each baseline, for every text and thread count."""
    median = {(t.contender, t.work, t.tokens, t.threads): t for t in timings}
    models = {path.name: open_model(path) for path in paths}
    found = []
    for count in threads:
        for tokens, text in texts.items():
            best = min((median[name, "text", tokens, count] for name in models), key=lambda t: t.median_ms)
            model = models[best.contender]
            used = model.tokenize(text)
            signature = model.signature_for(used.count)
            tokenizer = next(
                t for t in timings
                if (t.contender, t.work, t.threads) == (best.contender, used.signature, count)
                and t.tokens in (tokens, model.size_of(used.signature))
            )  # fmt: skip
            for baseline in (FIXED_LENGTH, PYTORCH):
                other = median.get((baseline, "text", tokens, count))
                if other is not None:
                    found.append(
                        Comparison(
                            tokens=tokens,
                            threads=count,
                            file=best.contender,
                            signatures=(used.signature, signature),
                            file_ms=best.median_ms,
                            tokenizer_ms=tokenizer.median_ms,
                            baseline=baseline,
                            baseline_ms=other.median_ms,
                        )
                    )
    return found


def _part(on_progress: Progress | None, index: int, parts: int) -> Progress | None:
    if on_progress is None:
        return None
    return lambda fraction, message: on_progress((index + fraction) / parts, message)
