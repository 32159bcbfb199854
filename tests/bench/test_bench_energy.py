"""Energy of this machine, read from a folder laid out as Linux lays out `/sys`."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from pocketformer.bench.energy import Battery, Rapl, energy_of, meter
from pocketformer.bench.footprint import footprint

_PACKAGE, _SECOND = "intel-rapl:0", "intel-rapl:1"


def write_domain(sysfs: Path, folder: str, name: str, energy_uj: int, largest: int = 262_143_328_850) -> Path:
    domain = sysfs / "class/powercap" / folder
    domain.mkdir(parents=True)
    (domain / "name").write_text(f"{name}\n")
    (domain / "energy_uj").write_text(f"{energy_uj}\n")
    (domain / "max_energy_range_uj").write_text(f"{largest}\n")
    return domain


def write_supply(sysfs: Path, name: str, **values: str | int) -> Path:
    supply = sysfs / "class/power_supply" / name
    supply.mkdir(parents=True)
    for key, value in values.items():
        (supply / key).write_text(f"{value}\n")
    return supply


def test_packages_are_summed_and_a_counter_may_begin_again(tmp_path: Path) -> None:
    first = write_domain(tmp_path, _PACKAGE, "package-0", 900, largest=1000)
    second = write_domain(tmp_path, _SECOND, "package-1", 5_000_000)
    write_domain(tmp_path, "intel-rapl:0:0", "core", 1)
    write_domain(tmp_path, "intel-rapl-mmio:0", "package-0", 1)  # the first package once more
    write_domain(tmp_path, "intel-rapl:2", "psys", 1)
    found = meter(tmp_path)
    assert isinstance(found, Rapl)
    assert found.source == "2 processor packages by RAPL"
    (first / "energy_uj").write_text("100\n")  # 100 up to its largest value, then 100 more
    (second / "energy_uj").write_text("7000000\n")
    assert found.joules() == pytest.approx(2.0002)
    (first / "energy_uj").write_text("300\n")
    assert found.joules() == pytest.approx(2.0004)
    found.start()
    assert found.joules() == 0


def test_a_battery_is_power_over_time(tmp_path: Path) -> None:
    supply = write_supply(tmp_path, "BAT0", type="Battery", status="Discharging", power_now=8_000_000)
    write_supply(tmp_path, "AC", type="Mains", online=0)
    write_supply(
        tmp_path, "hidpp_battery_0", type="Battery", scope="Device", status="Discharging", power_now=1
    )
    assert isinstance(meter(tmp_path), Battery)
    seconds = iter([0.0, 2.0, 3.0])
    battery = Battery([supply], clock=lambda: next(seconds))
    assert battery.joules() == pytest.approx(16)
    (supply / "power_now").write_text("10000000\n")
    assert battery.joules() == pytest.approx(16 + 9)


def test_a_battery_that_tells_current_and_voltage(tmp_path: Path) -> None:
    supply = write_supply(
        tmp_path, "BAT1", type="Battery", status="Discharging", current_now=500_000, voltage_now=12_000_000
    )
    seconds = iter([0.0, 1.5])
    assert Battery([supply], clock=lambda: next(seconds)).joules() == pytest.approx(9)


def test_why_there_is_no_energy(tmp_path: Path) -> None:
    assert "under /sys" in str(meter(tmp_path / "nothing"))
    assert "neither an energy counter" in str(meter(tmp_path))
    write_supply(tmp_path, "BAT0", type="Battery", status="Charging", power_now=8_000_000)
    assert "unplug it" in str(meter(tmp_path))


@pytest.mark.skipif(
    os.geteuid() == 0 and not Path("/usr/bin/setpriv").exists(), reason="root reads all files"
)
def test_a_counter_that_only_root_may_read_says_how_to_allow_it(tmp_path: Path) -> None:
    domain = write_domain(tmp_path, _PACKAGE, "package-0", 0)
    (domain / "energy_uj").chmod(0)
    told = _as_nobody(tmp_path)
    assert f"sudo chmod a+r {domain / 'energy_uj'}" in told


def _as_nobody(sysfs: Path) -> str:
    """Ask for the meter without root's right to read everything."""
    import subprocess
    import sys

    code = (
        "import sys; from pathlib import Path; from pocketformer.bench.energy import meter; "
        "print(meter(Path(sys.argv[1])))"
    )
    drop = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    command = [*drop, sys.executable, "-c", code, str(sysfs)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_idle_machine_is_taken_off(tmp_path: Path) -> None:
    domain = write_domain(tmp_path, _PACKAGE, "package-0", 0)
    counter = domain / "energy_uj"
    found = Rapl([domain])
    found.idle_seconds, found.work_seconds = 0.1, 0.1

    def spend(joules: float) -> None:
        counter.write_text(f"{int(counter.read_text()) + int(joules * 1e6)}\n")

    def sleep(seconds: float) -> None:  # the idle machine takes 5 W
        start = time.perf_counter()
        time.sleep(seconds)
        spend(5 * (time.perf_counter() - start))

    def call() -> None:  # a call takes 3 J in 10 ms
        time.sleep(0.01)
        spend(3)

    energy = energy_of(call, found, least_seconds=0, sleep=sleep)
    assert energy.idle_watts == pytest.approx(5, rel=0.4)
    assert energy.total_mj == pytest.approx(3000)
    assert energy.above_idle_mj == pytest.approx(3000 - 50 * energy.seconds / energy.calls / 0.01, rel=0.1)
    assert energy.seconds >= 0.1
    assert energy.cpu_percent < 60  # it sleeps


def test_a_busy_core_is_a_hundred_percent() -> None:
    energy = energy_of(lambda: sum(range(20_000)), None, least_seconds=0.2)
    assert 20 < energy.cpu_percent < 110  # other programs may take their share of the core
    assert energy.joules is None
    assert energy.total_mj is None


def test_a_file_is_measured_in_its_own_process(finished: Path, tmp_path: Path) -> None:
    domain = write_domain(tmp_path, _PACKAGE, "package-0", 0)
    counter, over = domain / "energy_uj", threading.Event()

    def spend() -> None:  # 10 W, whatever runs
        start = time.monotonic()
        while not over.wait(0.02):
            fresh = domain / "new"
            fresh.write_text(f"{int((time.monotonic() - start) * 10e6)}\n")
            fresh.replace(counter)

    thread = threading.Thread(target=spend)
    thread.start()
    try:
        file = next(finished.glob("*.int8.tflite"))
        cost = footprint(file, "where is my card", tmp_path)
    finally:
        over.set()
        thread.join()
    assert "processor package by RAPL" in cost.energy_note
    assert "W it took idle" in cost.energy_note
    assert cost.energy_with_idle_mj is not None
    assert cost.energy_mj is not None
    assert 0 < cost.energy_with_idle_mj < 1000
    assert abs(cost.energy_mj) < cost.energy_with_idle_mj  # the text made no difference to 10 W
    assert cost.cpu_percent is not None
    assert cost.cpu_percent > 5
