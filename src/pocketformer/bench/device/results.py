"""What was measured on a phone: plain figures with their units in their names."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DeviceBench", "DeviceTiming", "Phone"]


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone. Its serial number is left out on purpose: an edition is meant to be passed on.

    Attributes:
        name: Maker and model, as "Xiaomi 2112123AC".
        android: Release of Android, as "13".
        sdk: Its API level.
        soc: The processor's name as the phone tells it, as "SM8250" or "kona".
        abi: What it runs first, as "arm64-v8a".
        cores: Processor cores.
        memory_bytes: Of the whole phone.
    """

    name: str
    android: str
    sdk: int
    soc: str
    abi: str
    cores: int
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class DeviceTiming:
    """One signature of one file on a phone, in turns with all the others of the run.

    What the phone or the tool did not tell is None. Times of several visits: the median of the visits.

    Attributes:
        file: The file's name.
        signature: What ran.
        size: How many numbers its largest input takes: tokens, or bytes of text.
        threads: Processor threads.
        delegate: "xnnpack", "none", "gpu" or "nnapi".
        delegated: Part of the file's operations that the delegate took, 0 to 1.
        visits: How often the tool was started for it.
        runs: Measured calls, over all visits.
        init_ms: Opening the file and preparing its tensors.
        first_ms: The first call, which packs the weights.
        mean_ms: Milliseconds per call.
        median_ms: The same, median.
        p95_ms: 95th percentile.
        cpu_percent: Of one core, while it ran: 200 is two busy cores.
        memory_bytes: Largest resident memory of the tool's process, with all that is not the file's.
        current_ma: Battery current while it ran, less that of the idle phone, by the fuel gauge.
        estimated_ma: Android's own estimate for the process (`dumpsys batterystats`).
        energy_mj: Millijoule per call, from `current_ma` and the battery's voltage.
        max_error: Largest difference of an output from this machine's, relative to the largest number in it.
        same_label: Whether the best score is that of the same label as on this machine.
    """

    file: str
    signature: str
    size: int
    threads: int
    delegate: str
    delegated: float | None
    visits: int
    runs: int
    init_ms: float
    first_ms: float | None
    mean_ms: float
    median_ms: float | None
    p95_ms: float | None
    cpu_percent: float | None
    memory_bytes: int | None
    current_ma: float | None
    estimated_ma: float | None
    energy_mj: float | None
    max_error: float | None
    same_label: bool | None


@dataclass(frozen=True, slots=True)
class DeviceBench:
    """One run on one phone.

    Attributes:
        phone: Which.
        created: UTC, ISO 8601.
        tool: File name of LiteRT's benchmark tool.
        tool_sha256: Of its bytes, which tell its version: it prints none.
        screen_on: While it was measured.
        charging: At any time of the run; then no current is given.
        thermal_status: The worst that Android told, 0 (none) to 6; from 1 on the processor is slowed down.
        battery_celsius: Of the battery, at the end.
        file_sha256: Of each file that was measured, by its name.
        idle_ma: Battery current of the phone doing nothing, between the visits.
        timings: A row for each file, signature, thread count and delegate.
        notes: What to know of the figures, in sentences.
    """

    phone: Phone
    created: str
    tool: str
    tool_sha256: str
    screen_on: bool | None
    charging: bool
    thermal_status: int | None
    battery_celsius: float | None
    file_sha256: dict[str, str]
    idle_ma: float | None
    timings: tuple[DeviceTiming, ...]
    notes: tuple[str, ...] = ()
