"""On a phone: latency, memory, processor and battery of each file, for every phone that was measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pocketformer.report import figures
from pocketformer.report.blocks import Block, Bullets, Column, Paragraph, Section, Table

if TYPE_CHECKING:
    from pocketformer.bench.device import DeviceBench, DeviceTiming
    from pocketformer.edition import Edition

__all__ = ["device_section"]

#: A whole text to its result in one call, for the row of a file; else its largest signature stands for it.
_WHOLE_TEXT = ("classify", "encode")


def device_section(edition: Edition) -> Section | None:
    """Return what was measured on phones."""
    if not edition.device_bench:
        return None
    blocks = [block for bench in edition.device_bench for block in _of_phone(edition, bench)]
    return Section("phones", "On a phone", blocks)


def _of_phone(edition: Edition, bench: DeviceBench) -> Iterator[Block]:
    yield Paragraph(_where(bench))
    yield _files(edition, bench)
    yield _signatures(bench)
    if bench.notes:
        yield Bullets(bench.notes)


def _where(bench: DeviceBench) -> str:
    phone = bench.phone
    memory = f"{phone.memory_bytes / 2**30:.1f} GiB of memory" if phone.memory_bytes else ""
    told = [f"Android {phone.android}", phone.soc, phone.abi, f"{phone.cores} cores", memory]
    state = []
    if bench.idle_ma is not None:
        state.append(f"Idle it drew {figures.significant(bench.idle_ma)} mA, which is taken off.")
    if bench.battery_celsius is not None:
        state.append(f"Its battery had {bench.battery_celsius:.0f} °C at the end.")
    return (
        f"{phone.name} ({', '.join(part for part in told if part)}), {bench.created[:10]}, by {bench.tool} "
        f"(SHA-256 {bench.tool_sha256[:12]}…), all signatures taking turns. {' '.join(state)}"
    ).strip()


def _files(edition: Edition, bench: DeviceBench) -> Table:
    """Return a row for each file: what a person compares who chooses one."""
    columns = (
        Column("File", numeric=False, code=True),
        Column("Signature", numeric=False, code=True),
        Column("Accuracy, %"),
        Column("Size, MB"),
        Column("ms"),
        Column("mA"),
        Column("CPU, %"),
        Column("RAM, MB"),
    )
    rows = []
    for name in dict.fromkeys(timing.file for timing in bench.timings):
        timing = _standing_for(bench.timings, name)
        entry = next((entry for entry in edition.files if entry.file == name), None)
        quality = None if entry is None or entry.verdict is None else entry.verdict.quality
        rows.append(
            (
                name,
                timing.signature,
                figures.percent(None if quality is None else quality.accuracy),
                figures.megabytes(None if entry is None else entry.size_bytes),
                figures.significant(timing.mean_ms),
                figures.significant(_current(timing)),
                _whole(timing.cpu_percent),
                figures.megabytes(timing.memory_bytes),
            )
        )
    first = _standing_for(bench.timings, rows[0][0])
    caption = f"The files on {bench.phone.name}, {figures.threads(first.threads)}, {first.delegate}"
    return Table(caption, columns, tuple(rows)).without_empty_columns()


def _standing_for(timings: Sequence[DeviceTiming], file: str) -> DeviceTiming:
    """Return the timing of a whole text with the fewest threads and the first delegate."""
    of_file = [timing for timing in timings if timing.file == file]
    whole = [timing for timing in of_file if timing.signature in _WHOLE_TEXT] or of_file
    fewest = min(timing.threads for timing in whole)
    return max((timing for timing in whole if timing.threads == fewest), key=lambda timing: timing.size)


def _signatures(bench: DeviceBench) -> Table:
    columns = (
        Column("File", numeric=False, code=True),
        Column("Signature", numeric=False, code=True),
        Column("Delegate", numeric=False),
        Column("It took, %"),
        Column("Threads"),
        Column("ms (p95)"),
        Column("Init, ms"),
        Column("First call, ms"),
        Column("CPU, %"),
        Column("RAM, MB"),
        Column("mA"),
        Column("mA, Android's estimate"),
        Column("mJ per call"),
        Column("Largest error"),
        Column("Same label", numeric=False),
    )
    rows = tuple(
        (
            timing.file,
            timing.signature,
            timing.delegate,
            _whole(None if timing.delegated is None else timing.delegated * 100),
            str(timing.threads),
            _milliseconds(timing),
            figures.significant(timing.init_ms),
            figures.significant(timing.first_ms),
            _whole(timing.cpu_percent),
            figures.megabytes(timing.memory_bytes),
            figures.significant(timing.current_ma),
            figures.significant(timing.estimated_ma),
            figures.significant(timing.energy_mj),
            figures.error(timing.max_error),
            figures.plain(timing.same_label),
        )
        for timing in bench.timings
    )
    note = (
        "RAM is the largest resident memory of the tool's process, with the runtime and the file itself. CPU "
        "is of one core: 200 % are two busy ones. mA is the fuel gauge's, less the idle phone's. The error "
        "is the largest difference from this machine's output, relative to the output's largest number."
    )
    table = Table(f"Every signature on {bench.phone.name}", columns, rows, note)
    return table.without_empty_columns()


def _current(timing: DeviceTiming) -> float | None:
    return timing.estimated_ma if timing.current_ma is None else timing.current_ma


def _milliseconds(timing: DeviceTiming) -> str:
    p95 = "" if timing.p95_ms is None else f" ({figures.significant(timing.p95_ms)})"
    return figures.significant(timing.mean_ms) + p95


def _whole(value: float | None) -> str:
    return figures.ABSENT if value is None else f"{value:.0f}"
