"""What to know of figures from a phone, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from pocketformer.bench.device.power import PowerState
from pocketformer.bench.device.results import DeviceTiming

__all__ = ["notes_of"]

# PowerManager.THERMAL_STATUS_…
_THERMAL = ("none", "light", "moderate", "severe", "critical", "emergency", "shutdown")
_UNPLUG = (
    "To measure current: adb tcpip 5555, unplug the cable, adb connect ADDRESS:5555 (the phone's Wi-Fi "
    "address), run again."
)


def notes_of(
    states: Sequence[PowerState],
    timings: Sequence[DeviceTiming],
    *,
    random_inputs: bool,
    has_gauge: bool,
) -> tuple[str, ...]:
    """Return what was not as it should be for such figures.

    Args:
        states: Of the phone, from the beginning to the end of the run.
        timings: What was measured.
        random_inputs: Whether the tool drew its inputs.
        has_gauge: Whether the fuel gauge could be read.
    """
    notes = [*_of_power(states, has_gauge=has_gauge), *_of_speed(states)]
    if random_inputs:
        notes.append(
            "This benchmark_model takes no inputs from files: it ran on random numbers, and its outputs were "
            "not held against this machine's. The one for the Interpreter does both (docs/device.md)."
        )
    if idle := sorted({row.delegate for row in timings if row.delegated == 0.0}):
        notes.append(
            f"The delegate {' and '.join(idle)} took no operation of some files: "
            "those rows are the processor's."
        )
    if wrong := [row for row in timings if row.same_label is False]:
        worst = max(wrong, key=lambda row: row.max_error or 0.0)
        notes.append(
            f"{len(wrong)} of {len(timings)} rows give another label than this machine, such as "
            f"{worst.file}, {worst.signature}, {worst.delegate}: do not ship these so."
        )
    return tuple(notes)


def _of_power(states: Sequence[PowerState], *, has_gauge: bool) -> list[str]:
    if any(state.frozen for state in states):
        return [
            "Android was told to stop reading the battery (dumpsys battery unplug), so current was left out. "
            "Undo it: adb shell dumpsys battery reset."
        ]
    chargers = {charger for state in states for charger in state.chargers}
    if any(state.charging for state in states):
        source = " and ".join(sorted(chargers)) or "a charger"
        return [f"The phone was charging ({source}), so its current says nothing and was left out. {_UNPLUG}"]
    notes = []
    if not has_gauge:
        notes.append(
            "The phone does not let adb read its fuel gauge; current is Android's estimate from processor "
            "time alone."
        )
    if any(state.screen_on for state in states):
        notes.append("The screen was on; its current is in the idle one, which is taken off.")
    return notes


def _of_speed(states: Sequence[PowerState]) -> list[str]:
    notes = []
    worst = max((state.thermal_status or 0 for state in states), default=0)
    if worst:
        notes.append(
            f"Android reported thermal status {worst} ({_THERMAL[min(worst, len(_THERMAL) - 1)]}): the phone "
            "slowed its processor down, and times are too long. Let it cool, out of its case, run again."
        )
    if any(state.saving for state in states):
        notes.append("Battery saver was on, which slows the processor down. Turn it off and run again.")
    return notes
