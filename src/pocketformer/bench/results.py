"""What a benchmark found: plain figures with their units in their names."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """Latency of one thing on one machine, measured interleaved with all the others of its run.

    Attributes:
        contender: What ran: a file's name, "PyTorch fp32", or "fixed-length fp32 file".
        work: What it did: a signature's name, or "text" for a whole text to scores.
        tokens: Real tokens of the text; the fixed length for a signature; of one that takes arrays, how many
            numbers the largest has.
        threads: Processor threads.
        runs: Number of measured calls.
        median_ms: Milliseconds per call.
        p95_ms: 95th percentile.
    """

    contender: str
    work: str
    tokens: int
    threads: int
    runs: int
    median_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class Footprint:
    """What one file costs, measured in a fresh process.

    Attributes:
        file: The file's name.
        size_bytes: On disk.
        zipped_bytes: Deflated: about what a store lets a user download.
        load_ms: Opening it, without importing the runtime.
        first_text_ms: The first text, or run of a file that takes none, which allocates and packs weights.
        memory_bytes: Peak memory above the empty runtime's, after one short text.
        all_memory_bytes: The same after every signature has run once.
        cpu_percent: Processor time over time while the text runs again and again on one thread; one whole
            core is 100. None in results of earlier versions.
        energy_mj: Millijoules per text, above what the idle machine takes; None where it cannot be read.
        energy_with_idle_mj: The same with what the idle machine takes.
        energy_note: What was measured by which counter, or why nothing could be read: a sentence.
    """

    file: str
    size_bytes: int
    zipped_bytes: int
    load_ms: float
    first_text_ms: float
    memory_bytes: int
    all_memory_bytes: int
    cpu_percent: float | None = None
    energy_mj: float | None = None
    energy_with_idle_mj: float | None = None
    energy_note: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One text through the best file against a baseline: how many times faster, in the same run."""

    tokens: int
    threads: int
    file: str
    signatures: tuple[str, ...]
    file_ms: float
    tokenizer_ms: float
    baseline: str
    baseline_ms: float

    @property
    def times_faster(self) -> float:
        """Baseline time over the file's time."""
        return self.baseline_ms / self.file_ms

    @property
    def tokenizer_share(self) -> float:
        """Part of the file's time that its tokenizer takes, 0 to 1."""
        return self.tokenizer_ms / self.file_ms


@dataclass(frozen=True, slots=True)
class BenchResult:
    """One run of the benchmark."""

    processor: str
    cores: int
    texts: dict[int, str]  # by count of tokens: the real texts that were timed
    timings: tuple[Timing, ...]
    footprints: tuple[Footprint, ...]
    comparisons: tuple[Comparison, ...]
