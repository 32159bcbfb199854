"""Measuring on a phone: LiteRT's benchmark tool over adb, with memory, processor and battery under watch."""

from pocketformer.bench.device.benchmark_model import DELEGATES
from pocketformer.bench.device.inputs import Case, cases_of
from pocketformer.bench.device.results import DeviceBench, DeviceTiming, Phone
from pocketformer.bench.device.run import DeviceOptions, bench_on_device

__all__ = [
    "DELEGATES",
    "Case",
    "DeviceBench",
    "DeviceOptions",
    "DeviceTiming",
    "Phone",
    "bench_on_device",
    "cases_of",
]
