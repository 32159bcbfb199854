"""From what was read on the phone to figures: several visits of one signature become one row."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field

from pocketformer.bench.device.benchmark_model import Job, Output
from pocketformer.bench.device.inputs import Case, Difference
from pocketformer.bench.device.power import in_milliampere
from pocketformer.bench.device.results import DeviceTiming
from pocketformer.bench.device.sampling import Sample, Watched

__all__ = ["Cell", "Visit", "row"]

_SECONDS_PER_HOUR = 3600.0
_FEWEST_SECONDS = 0.5  # of processor time in ticks of 10 ms, a shorter window says little


@dataclass
class Visit:
    """One start of the tool: what it printed, what the watch read, how far its outputs are off."""

    output: Output
    watched: Watched
    difference: Difference | None = None
    estimated_mah: float | None = None

    @property
    def measured(self) -> tuple[Sample, ...]:
        """The samples of the measured calls, without opening the file and warming up."""
        return self.watched.after((self.output.init_ms + self.output.warm_up_ms) / 1e3)

    @property
    def cpu_percent(self) -> float | None:
        """Processor time over time, in per cent of one core."""
        samples = self.measured
        if len(samples) < 2 or (seconds := samples[-1].second - samples[0].second) < _FEWEST_SECONDS:
            return None
        return 100 * (samples[-1].cpu_seconds - samples[0].cpu_seconds) / seconds

    @property
    def seconds(self) -> float:
        """How long the whole process was there."""
        samples = self.watched.samples
        return samples[-1].second - samples[0].second if samples else 0.0


@dataclass
class Cell:
    """One signature of one file with one thread count and delegate, and its visits."""

    case: Case
    job: Job
    visits: list[Visit] = field(default_factory=list)


def row(cell: Cell, idle_ma: float | None, volt: float | None, *, measures_current: bool) -> DeviceTiming:
    """Return a cell's figures.

    Args:
        cell: With at least one visit.
        idle_ma: What the phone draws by itself; None where that is not known.
        volt: Of the battery.
        measures_current: Whether current says anything: no charger was connected.
    """
    outputs = [visit.output for visit in cell.visits]
    mean_ms = statistics.median(output.mean_ms for output in outputs)
    current = _current(cell.visits, idle_ma) if measures_current else None
    milliwatt = None if current is None or volt is None else current * volt
    differences = [visit.difference for visit in cell.visits if visit.difference is not None]
    labels = [found.same_label for found in differences if found.same_label is not None]
    return DeviceTiming(
        file=cell.case.path.name,
        signature=cell.case.shown,
        size=cell.case.size,
        threads=cell.job.threads,
        delegate=cell.job.delegate,
        delegated=_delegated(outputs),
        visits=len(outputs),
        runs=sum(output.runs for output in outputs),
        init_ms=statistics.median(output.init_ms for output in outputs),
        first_ms=_median(output.first_ms for output in outputs),
        mean_ms=mean_ms,
        median_ms=_median(output.median_ms for output in outputs),
        p95_ms=_median(output.p95_ms for output in outputs),
        cpu_percent=_median(visit.cpu_percent for visit in cell.visits),
        memory_bytes=_memory(cell.visits),
        current_ma=current,
        estimated_ma=_estimated(cell.visits) if measures_current else None,
        energy_mj=None if milliwatt is None else milliwatt * mean_ms / 1e3,
        max_error=max((found.max_error for found in differences), default=None),
        same_label=all(labels) if labels else None,
    )


def _current(visits: Iterable[Visit], idle_ma: float | None) -> float | None:
    readings = [sample.current for visit in visits for sample in visit.measured if sample.current is not None]
    drawn = in_milliampere(readings)
    return None if drawn is None or idle_ma is None else drawn - idle_ma


def _estimated(visits: Iterable[Visit]) -> float | None:
    known = [visit for visit in visits if visit.estimated_mah is not None and visit.seconds > 0]
    seconds = sum(visit.seconds for visit in known)
    if not seconds:
        return None
    return sum(visit.estimated_mah or 0.0 for visit in known) * _SECONDS_PER_HOUR / seconds


def _memory(visits: Iterable[Visit]) -> int | None:
    peaks = [
        max(sample.memory_bytes for sample in visit.watched.samples)
        for visit in visits
        if visit.watched.samples
    ]
    return max((peak for peak in peaks if peak), default=None)


def _delegated(outputs: Iterable[Output]) -> float | None:
    replaced = [output.replaced for output in outputs if output.replaced is not None]
    if not replaced:
        return None
    taken, count = replaced[-1]
    return taken / count if count else 0.0


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None
