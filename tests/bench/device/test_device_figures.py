"""From samples to figures: processor time, memory, current, energy, and how far outputs are off."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pocketformer.bench.device.adb import Attached, _attached
from pocketformer.bench.device.benchmark_model import Job, Output
from pocketformer.bench.device.figures import Cell, Visit, row
from pocketformer.bench.device.inputs import Case, difference
from pocketformer.bench.device.notes import notes_of
from pocketformer.bench.device.power import PowerState, in_milliampere
from pocketformer.bench.device.run import DeviceOptions
from pocketformer.bench.device.sampling import Sample, Watched, _read
from pocketformer.errors import DeviceError, RecipeError

SCORES = np.array([[0.1, 0.7, 0.2]], np.float32)
LOGITS = np.array([[-1.0, 1.0, -0.5]], np.float32)
CASE = Case(
    Path("a.int8.tflite"), "classify", "classify", (np.zeros((1, 64), np.int32),),
    (("logits", LOGITS), ("scores", SCORES)),
)  # fmt: skip
JOB = Job("a", "classify", 2, "xnnpack", 30, 2.0, (), "out")
OUTPUT = Output(400.0, 90.0, 600.0, 100, 20.0, 19.0, 25.0, (90, 120), ())
STATE = PowerState(False, (), 4.0, 30.0, 0, True, False, False)


def samples(current: float | None) -> tuple[Sample, ...]:
    """A process that opens its file for a second by one core, and computes for two by 1.8."""
    idle = [Sample(100 + t / 5, 10_000_000, -150_000, t / 5) for t in range(5)]
    busy = [Sample(101 + t / 5, 30_000_000, current, 1 + t / 5 * 1.8) for t in range(11)]
    return (*idle, *busy)


def visit(current: float | None = -550_000, **changes: float) -> Visit:
    output = replace(OUTPUT, **changes)  # type: ignore[arg-type]
    return Visit(output, Watched(samples(current), 0, ""), None, 0.5)


def test_a_row_is_the_median_of_its_visits() -> None:
    cell = Cell(CASE, JOB, [visit(mean_ms=20.0), visit(mean_ms=90.0), visit(mean_ms=22.0)])
    found = row(cell, 150.0, 4.0, measures_current=True)
    assert (found.mean_ms, found.runs, found.visits, found.size) == (22.0, 300, 3, 64)
    assert found.cpu_percent == pytest.approx(180)  # without the second of opening and warming up
    assert found.memory_bytes == 30_000_000
    assert found.delegated == 0.75
    assert found.current_ma == pytest.approx(400)
    assert found.energy_mj == pytest.approx(400 * 4.0 * 0.022)  # mA · V · s
    # 0.5 mAh in the 3 seconds that the process was there
    assert found.estimated_ma == pytest.approx(0.5 * 3600 / 3.0, rel=0.1)


def test_what_was_not_told_is_none() -> None:
    found = row(Cell(CASE, JOB, [visit(None)]), 150.0, 4.0, measures_current=True)
    assert (found.current_ma, found.energy_mj) == (None, None)
    found = row(Cell(CASE, JOB, [visit()]), None, 4.0, measures_current=True)
    assert found.current_ma is None  # less what an idle phone draws: without that it says nothing
    found = row(Cell(CASE, JOB, [visit()]), 150.0, 4.0, measures_current=False)
    assert (found.current_ma, found.estimated_ma, found.energy_mj) == (None, None, None)
    short = Visit(replace(OUTPUT, init_ms=2800.0, warm_up_ms=0.0), Watched(samples(-1.0), 0, ""))
    assert row(Cell(CASE, JOB, [short]), None, None, measures_current=True).cpu_percent is None
    nothing = row(Cell(CASE, JOB, [Visit(OUTPUT, Watched((), 0, ""))]), 1.0, 1.0, measures_current=True)
    assert (nothing.cpu_percent, nothing.memory_bytes, nothing.current_ma) == (None, None, None)


def test_current_whatever_unit_and_sign_the_maker_chose() -> None:
    assert in_milliampere([-350_000.0, -370_000.0]) == 360.0
    assert in_milliampere([350_000.0]) == 350.0
    assert in_milliampere([-350.0, 370.0]) == 360.0  # milliampere, against Linux's rule
    assert in_milliampere([]) is None


def test_outputs_are_held_against_this_machines() -> None:
    same = difference(CASE, LOGITS.tobytes() + SCORES.tobytes())
    assert same is not None
    assert (same.max_error, same.same_label) == (0.0, True)
    off = difference(CASE, (LOGITS + np.float32(0.01)).tobytes() + SCORES.tobytes())
    assert off is not None
    assert off.max_error == pytest.approx(0.01, rel=1e-3)
    assert off.same_label
    other = difference(CASE, LOGITS.tobytes() + SCORES[:, ::-1].tobytes())
    assert other is not None
    assert other.same_label  # the middle one is still the best
    other = difference(CASE, LOGITS[:, [1, 0, 2]].tobytes() + SCORES.tobytes())
    assert other is not None
    assert other.same_label is False
    broken = difference(CASE, np.full((1, 3), np.nan, np.float32).tobytes() + SCORES.tobytes())
    assert broken is not None
    assert (broken.max_error, broken.same_label) == (float("inf"), False)
    assert difference(CASE, b"cat: output: No such file or directory") is None


def test_what_the_watch_prints() -> None:
    stat = "812 (bench mark) R 811 811 0 0 -1 4194560 1200 0 0 0 150 25 0 0 20 0 3 0 1 2 3"
    text = f"@ 1700000000.250000 20480 -412000 {stat}\n@ 1700000000.450000 20480 - {stat}\n= 1\nERROR: gone\n"
    found = _read(text)
    assert (found.code, found.text) == (1, "ERROR: gone\n")
    assert found.samples[0] == Sample(1700000000.25, 20480 * 1024, -412000.0, 1.75)
    assert found.samples[1].current is None
    with pytest.raises(DeviceError, match="to its end: /system/bin/sh: no closing quote"):
        _read("/system/bin/sh: no closing quote\n")


def test_what_adb_lists() -> None:
    line = "R5CT1234               device usb:1-1 product:psyche model:Pixel_8 device:psyche transport_id:1"
    assert _attached(line) == Attached("R5CT1234", "device", "Pixel_8")
    assert str(_attached(line)) == "R5CT1234 (Pixel 8)"
    assert _attached("192.168.1.7:5555\tunauthorized transport_id:2").state == "unauthorized"
    denied = "R5CT1234               no permissions (user in plugdev group); see [http://developer] usb:1-1"
    assert _attached(denied).state == "no permissions"


def test_notes_say_what_was_not_as_it_should_be() -> None:
    fine = row(Cell(CASE, JOB, [visit()]), 150.0, 4.0, measures_current=True)
    quiet = replace(STATE, screen_on=False)
    assert notes_of([quiet, quiet], [fine], random_inputs=False, has_gauge=True) == ()
    wrong = replace(fine, same_label=False, max_error=0.4)
    (note,) = notes_of([quiet], [fine, wrong], random_inputs=False, has_gauge=True)
    assert "1 of 2 rows give another label than this machine, such as a.int8.tflite, classify" in note
    (note,) = notes_of([quiet, replace(quiet, frozen=True)], [fine], random_inputs=False, has_gauge=True)
    assert "adb shell dumpsys battery reset" in note


def test_options_that_cannot_be_followed() -> None:
    with pytest.raises(RecipeError, match="no delegate 'npu'; there are xnnpack, none, gpu, nnapi"):
        DeviceOptions(delegates=("npu",)).check()
    with pytest.raises(RecipeError, match="at least one thread, one visit and one call"):
        DeviceOptions(threads=(0,)).check()
