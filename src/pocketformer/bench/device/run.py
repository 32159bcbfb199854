"""One run on a phone: every signature of every file, with every thread count and delegate, in turns."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pocketformer import files
from pocketformer.bench.device.adb import choose_device, find_adb
from pocketformer.bench.device.benchmark_model import Job, Output, arguments, check_delegate, read_output
from pocketformer.bench.device.figures import Cell, Visit, row
from pocketformer.bench.device.inputs import Case, difference
from pocketformer.bench.device.notes import notes_of
from pocketformer.bench.device.phone import describe_phone
from pocketformer.bench.device.power import GAUGES, PowerState, estimated_mah, in_milliampere, power_state
from pocketformer.bench.device.results import DeviceBench
from pocketformer.bench.device.sampling import watch, watch_idle
from pocketformer.bench.device.tool import find_tool, require_runs_on
from pocketformer.bench.device.workspace import Workspace, workspace
from pocketformer.errors import RecipeError

__all__ = ["DeviceOptions", "bench_on_device"]

Progress = Callable[[float, str], None]

_TOOL = "benchmark_model"
_OUTPUT = "output"
_IDLE_SECONDS = 3.0
_SEED = 0


@dataclass(frozen=True, slots=True)
class DeviceOptions:
    """How to measure.

    Attributes:
        serial: What adb calls the phone; None takes the only one.
        tool: LiteRT's benchmark_model for the phone; None takes POCKETFORMER_BENCHMARK_MODEL.
        threads: Thread counts.
        delegates: Names of `DELEGATES`.
        visits: How often the tool is started for each signature, all taking turns.
        runs: Least measured calls of a visit.
        seconds: Least seconds that a visit measures for.
    """

    serial: str | None = None
    tool: Path | None = None
    threads: tuple[int, ...] = (1, 4)
    delegates: tuple[str, ...] = ("xnnpack",)
    visits: int = 3
    runs: int = 30
    seconds: float = 2.0

    def check(self) -> None:
        """Refuse options that cannot be followed.

        Raises:
            RecipeError: An unknown delegate, or a count below one.
        """
        for name in self.delegates:
            check_delegate(name)
        if min(self.threads, default=0) < 1 or self.visits < 1 or self.runs < 1 or self.seconds < 0:
            raise RecipeError("A benchmark needs at least one thread, one visit and one call.")


def bench_on_device(
    cases: Iterable[Case], options: DeviceOptions, on_progress: Progress | None = None
) -> DeviceBench:
    """Measure signatures of files on the phone that is attached.

    Files, inputs and the tool go into a folder of their own, which is gone when this returns or fails.

    Args:
        cases: What to measure; asked for once phone and tool have been found, as files are opened for it.
        options: How.
        on_progress: Called with the fraction done and a short message.

    Raises:
        DeviceError: No phone, no tool, one that does not fit the other, or one that failed.
        RecipeError: There is nothing to measure, or options that cannot be followed.
    """
    options.check()
    tool = find_tool(options.tool)
    phone = choose_device(find_adb(), options.serial)
    described, abis = describe_phone(phone)
    require_runs_on(tool, abis)
    cases = tuple(cases)
    _refuse_unclear(cases)
    with workspace(phone) as space:
        run = _Run(space, options, on_progress or (lambda fraction, message: None))
        run.send(tool, cases)
        run.visit_all()
    states = run.states
    charging = any(state.charging or state.frozen for state in states)
    idle = None if charging else in_milliampere(run.idle)
    volts = [state.volt for state in states if state.volt is not None]
    volt = sum(volts) / len(volts) if volts else None
    statuses = [state.thermal_status for state in states if state.thermal_status is not None]
    timings = tuple(row(cell, idle, volt, measures_current=not charging) for cell in run.cells)
    return DeviceBench(
        phone=described,
        created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        tool=tool.name,
        tool_sha256=files.sha256(tool),
        screen_on=states[-1].screen_on,
        charging=charging,
        thermal_status=max(statuses, default=None),
        battery_celsius=states[-1].celsius,
        file_sha256={case.path.name: files.sha256(case.path) for case in cases},
        idle_ma=idle,
        timings=timings,
        notes=notes_of(states, timings, random_inputs=run.random_inputs, has_gauge=bool(run.gauge)),
    )


@dataclass
class _Run:
    """What is on the phone, and what has been measured so far."""

    space: Workspace
    options: DeviceOptions
    progress: Progress
    cells: list[Cell] = field(default_factory=list)
    states: list[PowerState] = field(default_factory=list)
    idle: list[float] = field(default_factory=list)
    gauge: str = ""
    random_inputs: bool = False

    def send(self, tool: Path, cases: Sequence[Case]) -> None:
        """Copy the tool, the files and the inputs, and list what to run."""
        self.progress(0.0, f"sending {tool.name}")
        self.space.put(tool, _TOOL, program=True)
        graphs: dict[Path, str] = {}
        for number, case in enumerate(cases):
            if case.path not in graphs:
                self.progress(0.0, f"sending {case.path.name}")
                # By its own name: the tool's errors quote it.
                self.space.phone.shell(f"mkdir {self.space.path(str(len(graphs)))}")
                graphs[case.path] = self.space.put(case.path, f"{len(graphs)}/{_plain(case.path.name)}")
            inputs = self._send_inputs(number, case)
            for threads in self.options.threads:
                for delegate in self.options.delegates:
                    job = Job(
                        graphs[case.path], case.signature, threads, delegate, self.options.runs,
                        self.options.seconds, inputs, self.space.path(f"{_OUTPUT}-{len(self.cells)}"),
                    )  # fmt: skip
                    self.cells.append(Cell(case, job))
        self.gauge = self.space.phone.answer(GAUGES).strip()

    def _send_inputs(self, number: int, case: Case) -> tuple[tuple[tuple[int, ...], str], ...]:
        sent = []
        with tempfile.TemporaryDirectory() as folder:
            for place, array in enumerate(case.inputs):
                name = f"input-{number}-{place}"
                local = Path(folder) / name
                local.write_bytes(array.tobytes())
                sent.append((tuple(array.shape), self.space.put(local, name)))
        return tuple(sent)

    def visit_all(self) -> None:
        """Run everything once per round, in an order drawn anew for each round."""
        draw = random.Random(_SEED)
        order = list(self.cells)
        total, done = self.options.visits * len(order), 0
        self.states.append(power_state(self.space.phone))
        for _ in range(self.options.visits):
            draw.shuffle(order)
            if self.gauge and not self.states[-1].charging:
                self.idle += watch_idle(self.space, self.gauge, _IDLE_SECONDS)
            before = self._estimate()
            for cell in order:
                self.progress(done / total, f"{cell.case.path.name} {cell.case.shown}")
                output, visit = self._visit(cell)
                after = self._estimate()
                if before is not None and after is not None:
                    visit.estimated_mah = max(0.0, after - before)
                before = after
                cell.visits.append(visit)
                self.random_inputs |= output.random_inputs
                done += 1
            self.states.append(power_state(self.space.phone))
        self.progress(1.0, "done")

    def _visit(self, cell: Cell) -> tuple[Output, Visit]:
        watched = watch(self.space, f"./{_TOOL} {arguments(cell.job)}", self.gauge)
        output = read_output(watched.text, watched.code, cell.job)
        found = None
        if cell.job.inputs and output.wrote_outputs:
            found = difference(cell.case, self.space.phone.read(cell.job.output))
        return output, Visit(output, watched, found)

    def _estimate(self) -> float | None:
        return None if self.states[-1].charging else estimated_mah(self.space.phone)


def _refuse_unclear(cases: Sequence[Case]) -> None:
    if not cases:
        raise RecipeError("There is no file to measure: give one with a signature that can be run.")
    names = [path.name for path in dict.fromkeys(case.path for case in cases)]
    for name in names:
        if names.count(name) > 1:
            raise RecipeError(f"Two files are called {name}; give one of them another name.")


def _plain(name: str) -> str:
    """Return a file's name without what a shell or the tool's flags would take for their own."""
    return "".join(char if char.isalnum() or char in "._-" else "_" for char in name)
