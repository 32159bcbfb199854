"""Energy of this machine: the processor's own counters (RAPL), or a laptop's battery, as Linux shows them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

__all__ = ["SYSFS", "Battery", "Energy", "Meter", "Rapl", "energy_of", "meter"]

#: Where Linux shows its devices.
SYSFS = Path("/sys")

_MICRO = 1e-6


class Meter(Protocol):
    """Something that energy can be read from while work is done.

    Attributes:
        source: What it measures, for a sentence.
        idle_seconds: How long nothing is done, to learn what the machine takes anyway.
        work_seconds: How long the work must last at least, for a figure that can be trusted.
    """

    source: str
    idle_seconds: float
    work_seconds: float

    def start(self) -> None:
        """Begin anew."""

    def joules(self) -> float:
        """Return the energy since `start`; to be called several times in a second."""


class Rapl:
    """The processor's energy counters, several packages summed.

    Args:
        domains: Their folders, each with `energy_uj` and `max_energy_range_uj`.
    """

    idle_seconds = 1.0
    work_seconds = 2.0

    def __init__(self, domains: Sequence[Path]) -> None:
        count = f"{len(domains)} processor packages" if len(domains) > 1 else "the processor package"
        self.source = f"{count} by RAPL"
        self._counters = [
            (domain / "energy_uj", _number(domain / "max_energy_range_uj")) for domain in domains
        ]
        self.start()

    def start(self) -> None:
        """Begin anew."""
        self._last = [_number(counter) for counter, _ in self._counters]
        self._microjoules = 0

    def joules(self) -> float:
        """Return the energy since `start`; a counter that began again at zero in between is noticed once."""
        for place, (counter, largest) in enumerate(self._counters):
            now = _number(counter)
            step = now - self._last[place]
            self._microjoules += step if step >= 0 else step + largest
            self._last[place] = now
        return self._microjoules * _MICRO


class Battery:
    """What the batteries give, by their drivers' present power: of the whole machine, screen included.

    Args:
        supplies: Their folders.
        clock: Seconds, from any beginning.
    """

    idle_seconds = 5.0  # drivers renew the figure every second or so
    work_seconds = 10.0

    def __init__(self, supplies: Sequence[Path], clock: Callable[[], float] = time.perf_counter) -> None:
        self.source = f"the whole machine by {' and '.join(supply.name for supply in supplies)}"
        self._supplies = supplies
        self._clock = clock
        self.start()

    def start(self) -> None:
        """Begin anew."""
        self._joules = 0.0
        self._at, self._watts = self._clock(), self._power()

    def joules(self) -> float:
        """Return the energy since `start`: the power before and now, halved, over each step of time."""
        now, watts = self._clock(), self._power()
        self._joules += (now - self._at) * (self._watts + watts) / 2
        self._at, self._watts = now, watts
        return self._joules

    def _power(self) -> float:
        return sum(_watts(supply) for supply in self._supplies)


def meter(sysfs: Path = SYSFS) -> Meter | str:
    """Return what energy can be read from on this machine, or a sentence that says why there is nothing.

    Args:
        sysfs: The folder that Linux calls `/sys`.
    """
    domains = _packages(sysfs)
    locked = [domain / "energy_uj" for domain in domains if not _is_readable(domain / "energy_uj")]
    if domains and not locked:
        return Rapl(domains)
    supplies = [supply for supply in _batteries(sysfs) if _is_readable(_power_file(supply))]
    if supplies and all(_text(supply / "status") == "Discharging" for supply in supplies):
        return Battery(supplies)
    if locked:
        return (
            f"The processor counts its energy, but only root may read it (so Linux since 2020): "
            f"sudo chmod a+r {' '.join(map(str, locked))} allows it until the next start."
        )
    if supplies:
        return (
            "The processor shows no energy counter, and the battery tells nothing of the machine while it is "
            "not discharging: unplug it and measure again."
        )
    if not sysfs.is_dir():
        return "Energy is read where Linux shows it, under /sys; this system has no such folder."
    return (
        "This machine shows neither an energy counter of the processor (RAPL, which a virtual machine rarely "
        "has) nor a battery."
    )


@dataclass(frozen=True, slots=True)
class Energy:
    """Energy of some work that was done again and again.

    Attributes:
        calls: How often.
        seconds: How long that took.
        cpu_seconds: Processor time of this process in it, all threads.
        joules: What the meter counted in it; None without a meter.
        idle_watts: What it counted before, with nothing done.
    """

    calls: int
    seconds: float
    cpu_seconds: float
    joules: float | None
    idle_watts: float | None

    @property
    def cpu_percent(self) -> float:
        """Processor time over time; one core that does nothing else is 100."""
        return self.cpu_seconds / self.seconds * 100

    @property
    def total_mj(self) -> float | None:
        """Millijoules per call, with what the machine takes anyway."""
        return None if self.joules is None else self.joules / self.calls * 1e3

    @property
    def above_idle_mj(self) -> float | None:
        """Millijoules per call above the idle machine; below zero where something else went quiet."""
        if self.joules is None or self.idle_watts is None:
            return None
        return (self.joules - self.idle_watts * self.seconds) / self.calls * 1e3


def energy_of(
    call: Callable[[], object],
    found: Meter | None,
    *,
    least_seconds: float,
    sleep: Callable[[float], None] = time.sleep,
) -> Energy:
    """Repeat some work, and return what it takes of the processor and of energy.

    Args:
        call: The work; it should have been done before, so that nothing is loaded now.
        found: A meter; None measures processor time alone.
        least_seconds: How long it is repeated where there is no meter.
        sleep: Waits, for the idle machine.
    """
    idle_watts = None
    if found is not None:
        found.start()
        start, steps = time.perf_counter(), 10
        for _ in range(steps):
            sleep(found.idle_seconds / steps)
            spent = found.joules()
        idle_watts = spent / (time.perf_counter() - start)
        least_seconds = found.work_seconds
        found.start()
    start, cpu_start = time.perf_counter(), time.process_time()
    calls, joules, read = 0, None, start
    while (now := time.perf_counter()) - start < least_seconds or calls == 0:
        call()
        calls += 1
        if found is not None and now - read > 0.1:
            found.joules()
            read = now
    if found is not None:
        joules = found.joules()
    seconds = time.perf_counter() - start
    return Energy(calls, seconds, time.process_time() - cpu_start, joules, idle_watts)


def _packages(sysfs: Path) -> list[Path]:
    """Return the domains of whole packages: of Intel and, under the same name, of AMD.

    Cores and memory lie within them or beside them, and `intel-rapl-mmio` shows the same package again.
    """
    domains = sorted((sysfs / "class/powercap").glob("intel-rapl:*"))
    return [domain for domain in domains if (_text(domain / "name") or "").startswith("package-")]


def _batteries(sysfs: Path) -> list[Path]:
    """Return the machine's own batteries; those of a mouse or a headset say so."""
    supplies = sorted((sysfs / "class/power_supply").glob("*"))
    return [
        supply
        for supply in supplies
        if _text(supply / "type") == "Battery" and _text(supply / "scope") != "Device"
    ]


def _power_file(supply: Path) -> Path:
    power = supply / "power_now"
    return power if power.exists() else supply / "current_now"


def _watts(supply: Path) -> float:
    if (supply / "power_now").exists():
        return abs(_number(supply / "power_now")) * _MICRO
    return abs(_number(supply / "current_now")) * _MICRO * _number(supply / "voltage_now") * _MICRO


def _is_readable(path: Path) -> bool:
    return _text(path) is not None


def _text(path: Path) -> str | None:
    """Return what a file of the system says; None where it is not there or may not be read."""
    try:
        return path.read_text("ascii", "replace").strip()
    except OSError:
        return None


def _number(path: Path) -> int:
    return int(path.read_text("ascii"))
