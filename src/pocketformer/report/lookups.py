"""Questions that several parts of the report ask of an edition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketformer.bench.contenders import FIXED_LENGTH, PYTORCH

if TYPE_CHECKING:
    from pocketformer.bench import Footprint, Timing
    from pocketformer.edition import Edition, EditionFile
    from pocketformer.train import Metrics

__all__ = [
    "FIXED_LENGTH",
    "PYTORCH",
    "TEXT",
    "fewest_threads",
    "footprint_of",
    "reference_quality",
    "short_name",
    "shortest_text_tokens",
    "smallest_passing",
    "text_timings",
    "timing_of",
]

#: The work of a timing from a whole text to scores.
TEXT = "text"


def smallest_passing(edition: Edition) -> EditionFile | None:
    """Return the smallest file that kept all its limits."""
    passed = [file for file in edition.files if file.verdict is not None and file.verdict.passed]
    return min(passed, key=lambda file: (file.size_bytes, file.file), default=None)


def reference_quality(edition: Edition) -> Metrics | None:
    """Return PyTorch's quality on the held-out rows, which is the same in every verdict."""
    verdicts = [file.verdict for file in edition.files if file.verdict is not None]
    return next((v.reference_quality for v in verdicts if v.reference_quality is not None), None)


def short_name(edition: Edition, file: EditionFile) -> str:
    """Return what tells a file from its siblings: its weights, and its format where there are several."""
    several = len({other.format for other in edition.files}) > 1
    name = f"{file.precision} {file.format}" if several else file.precision
    return name if file.verdict is None or file.verdict.passed else f"{name} (rejected)"


def text_timings(edition: Edition) -> list[Timing]:
    """Return the timings of whole texts to scores."""
    return [] if edition.bench is None else [t for t in edition.bench.timings if t.work == TEXT]


def shortest_text_tokens(edition: Edition) -> int | None:
    """Return the tokens of the shortest text that was timed."""
    return min((timing.tokens for timing in text_timings(edition)), default=None)


def fewest_threads(edition: Edition) -> int:
    """Return the smallest count of threads that was timed: one, by default."""
    return min((timing.threads for timing in text_timings(edition)), default=1)


def timing_of(edition: Edition, contender: str, tokens: int | None, threads: int) -> Timing | None:
    """Return how long a contender takes for the whole text of `tokens` tokens."""
    return next(
        (
            timing
            for timing in text_timings(edition)
            if (timing.contender, timing.tokens, timing.threads) == (contender, tokens, threads)
        ),
        None,
    )


def footprint_of(edition: Edition, name: str) -> Footprint | None:
    """Return what a file costs to load."""
    footprints = () if edition.bench is None else edition.bench.footprints
    return next((footprint for footprint in footprints if footprint.file == name), None)
