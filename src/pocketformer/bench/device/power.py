"""Battery, charger, heat and screen: what Android tells of them, as numbers.

The forms are those of Android's own services (BatteryService, BatteryStats, ThermalManagerService,
PowerManagerService); names of makers differ, so only lines that all have are read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pocketformer.bench.device.adb import Adb

__all__ = ["GAUGES", "PowerState", "estimated_mah", "in_milliampere", "power_state"]

#: A shell line that prints the file of the battery's fuel gauge; nothing where it may not be read.
GAUGES = (
    "for folder in /sys/class/power_supply/*; do "
    'read -r kind < "$folder/type" && [ "$kind" = Battery ] && read -r value < "$folder/current_now" '
    '&& echo "$folder/current_now" && break; done 2>/dev/null'
)

_CHARGING = 2  # BatteryManager.BATTERY_STATUS_CHARGING
_POWERED = re.compile(r"^\s*(AC|USB|Wireless|Dock) powered: true", re.MULTILINE)
_STATUS = re.compile(r"^\s*status: (\d+)", re.MULTILINE)
_VOLTAGE = re.compile(r"^\s*voltage: (\d+)", re.MULTILINE)
_TEMPERATURE = re.compile(r"^\s*temperature: (-?\d+)", re.MULTILINE)
_THERMAL = re.compile(r"^\s*Thermal Status: (\d+)", re.MULTILINE)
_WAKEFULNESS = re.compile(r"mWakefulness=(\w+)")
_PER_UID = re.compile(r"^9,(\d+),l,pwi,uid,([0-9.eE+-]+)", re.MULTILINE)
_SMALLEST_MICROAMPERE = 10_000.0  # no phone that computes draws less than 10 mA


@dataclass(frozen=True, slots=True)
class PowerState:
    """How the phone is fed, how hot it is, and whether its screen is on; None where it does not tell.

    Attributes:
        charging: Whether a charger is connected, or the battery is being filled.
        chargers: Names of the connected ones, as ("USB",).
        volt: Of the battery.
        celsius: Of the battery.
        thermal_status: 0 (none) to 6 (shutdown).
        screen_on: Whether the screen is on.
        saving: Whether battery saver slows it down.
        frozen: Whether somebody has told Android to stop reading the battery: what it tells may be untrue.
    """

    charging: bool
    chargers: tuple[str, ...]
    volt: float | None
    celsius: float | None
    thermal_status: int | None
    screen_on: bool | None
    saving: bool
    frozen: bool


def power_state(phone: Adb) -> PowerState:
    """Ask a phone for its battery, its heat and its screen."""
    battery = phone.answer("dumpsys battery")
    thermal = _number(_THERMAL, phone.answer("dumpsys thermalservice"))
    wakefulness = _WAKEFULNESS.search(phone.answer("dumpsys power"))
    saving = phone.answer("settings get global low_power").strip() == "1"
    chargers = tuple(_POWERED.findall(battery))
    status = _number(_STATUS, battery)
    millivolt, tenths = _number(_VOLTAGE, battery), _number(_TEMPERATURE, battery)
    return PowerState(
        charging=bool(chargers) or status == _CHARGING,
        chargers=chargers,
        volt=None if millivolt is None else millivolt / 1e3,
        celsius=None if tenths is None else tenths / 10,
        thermal_status=None if thermal is None else int(thermal),
        screen_on=None if wakefulness is None else wakefulness[1] == "Awake",
        saving=saving,
        frozen="UPDATES STOPPED" in battery,
    )


def estimated_mah(phone: Adb) -> float | None:
    """Return the charge that Android says the shell's user has used since the battery was last full.

    It multiplies processor time with the maker's power profile. None where it tells nothing of that user:
    what is there grows only while no charger is connected.
    """
    text = phone.answer("id -u; dumpsys batterystats -c | grep ,l,pwi,uid,")
    user, _, lines = text.partition("\n")
    return next((float(mah) for uid, mah in _PER_UID.findall(lines) if uid == user.strip()), None)


def in_milliampere(readings: list[float]) -> float | None:
    """Return the mean of a fuel gauge's readings in mA, whatever sign and unit the maker chose.

    Linux asks for microampere, negative while the battery empties; some makers give milliampere, or turn the
    sign round. Only readings of a discharging battery have one meaning.
    """
    if not readings:
        return None
    mean = sum(abs(reading) for reading in readings) / len(readings)
    return mean if mean < _SMALLEST_MICROAMPERE else mean / 1e3


def _number(pattern: re.Pattern[str], text: str) -> float | None:
    found = pattern.search(text)
    return None if found is None else float(found[1])
