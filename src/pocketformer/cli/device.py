"""What `bench --device` does: the files run on a phone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pocketformer.cli.console import Screen, next_step, out, own_stderr, show_json, show_table

if TYPE_CHECKING:
    from pocketformer.bench.device import DeviceBench, DeviceTiming
    from pocketformer.bench.device import DeviceOptions as Options

Device = Annotated[
    bool, typer.Option("--device", help="Measure on the Android phone that adb lists, instead of here.")
]
Serial = Annotated[
    str | None, typer.Option(help="With several phones: which, as adb devices calls it; means --device.")
]
Tool = Annotated[
    Path | None, typer.Option(help="On a phone: LiteRT's benchmark_model for it (docs/device.md).")
]
Delegates = Annotated[
    list[str] | None,
    typer.Option(help="On a phone: xnnpack (default), none, gpu or nnapi; repeat for several."),
]
Signatures = Annotated[
    list[str] | None, typer.Option(help="On a phone: only this signature; repeat for several.")
]
Visits = Annotated[int, typer.Option(min=1, help="On a phone: how often each signature has its turn.")]

_ABSENT = "–"
_THREADS = (1, 4)  # a phone has four fast cores, or fewer


@dataclass(frozen=True, slots=True)
class DeviceRequest:
    """What a person asked of a benchmark on a phone; None where it was left out."""

    serial: str | None
    tool: Path | None
    delegates: list[str] | None
    signatures: list[str] | None
    visits: int
    rounds: int
    threads: list[int] | None

    def options(self) -> Options:
        """Return it as the library takes it."""
        from pocketformer.bench.device import DeviceOptions as Options

        return Options(
            serial=self.serial,
            tool=self.tool,
            threads=tuple(self.threads or _THREADS),
            delegates=tuple(self.delegates or ("xnnpack",)),
            visits=self.visits,
            runs=self.rounds,
        )


def bench_device(
    given: list[Path],
    request: DeviceRequest,
    inputs: Path | None,
    data: Path | None,
    columns: tuple[str | None, str | None, str | None, str | None],
    json: bool,
) -> None:
    """Measure an edition's files, or single ones, on a phone.

    Args:
        given: Directory of an edition, or model files.
        request: What was asked.
        inputs: An `.npz` for single files that take no text.
        data: Table of real texts; sample texts when None.
        columns: Names of the columns of text, label and label name, and the labels' separator.
        json: Whether to print JSON.
    """
    from pocketformer.cli.given import is_model_file

    options = request.options()
    if len(given) > 1 or is_model_file(given[0]):
        found = _of_files(given, request, options, inputs)
    else:
        found = _of_edition(given[0], request, options, data, columns)
    if json:
        show_json(found)
        return
    show_device_bench(found)
    if len(given) == 1 and given[0].is_dir():
        out.print(f"Wrote the figures into {given[0] / 'edition.json'}", markup=False)
        next_step(f"pocketformer report {given[0]}")


def _of_files(
    paths: list[Path], request: DeviceRequest, options: Options, inputs: Path | None
) -> DeviceBench:
    with own_stderr():
        from pocketformer.bench.device import bench_on_device, cases_of
        from pocketformer.checks import SAMPLE_TEXTS
        from pocketformer.modules import samples_for

    with Screen().stage("bench on the phone") as progress:
        cases = (
            case
            for path in paths
            for case in cases_of(
                path, SAMPLE_TEXTS if inputs is None else (), samples_for(path, inputs, 1),
                request.signatures or (),
            )
        )  # fmt: skip
        return bench_on_device(cases, options, progress)


def _of_edition(
    folder: Path,
    request: DeviceRequest,
    options: Options,
    data: Path | None,
    columns: tuple[str | None, str | None, str | None, str | None],
) -> DeviceBench:
    with own_stderr():
        from pocketformer.checks import SAMPLE_TEXTS
        from pocketformer.data import Columns, read_labeled_texts
        from pocketformer.edition import Edition
        from pocketformer.pipeline.device import bench_edition_on_device

    edition = Edition.load(folder)
    texts = SAMPLE_TEXTS
    if data is not None:
        texts = read_labeled_texts(data, Columns(*columns), labels=edition.labels)[0].texts
    edition = bench_edition_on_device(
        edition, folder, texts, options, Screen(), tuple(request.signatures or ())
    )
    return edition.device_bench[-1]


def show_device_bench(result: DeviceBench) -> None:
    """Print what was measured on a phone, and what to know of it."""
    phone = result.phone
    show_table(
        f"{phone.name}, Android {phone.android}, {phone.soc}, {phone.cores} cores",
        [
            "file", "signature", "delegate", "threads", "ms", "p95", "init ms", "CPU %", "RAM MB", "mA",
            "mJ per call", "as here",
        ],
        [_row(timing) for timing in result.timings],
    )  # fmt: skip
    for note in result.notes:
        out.print(note, markup=False)


def _row(timing: DeviceTiming) -> list[str]:
    memory = None if timing.memory_bytes is None else timing.memory_bytes / 1e6
    current = timing.estimated_ma if timing.current_ma is None else timing.current_ma
    return [
        timing.file, timing.signature, timing.delegate, str(timing.threads), f"{timing.mean_ms:.2f}",
        _number(timing.p95_ms, 2), _number(timing.init_ms, 0), _number(timing.cpu_percent, 0),
        _number(memory, 0), _number(current, 0), _number(timing.energy_mj, 2), _agreement(timing),
    ]  # fmt: skip


def _agreement(timing: DeviceTiming) -> str:
    if timing.max_error is None:
        return _ABSENT
    return f"{'✗ ' if timing.same_label is False else ''}{timing.max_error:.1e}"


def _number(value: float | None, digits: int) -> str:
    return _ABSENT if value is None else f"{value:.{digits}f}"
