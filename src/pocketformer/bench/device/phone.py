"""Which phone it is: what it tells of itself."""

from __future__ import annotations

import re

from pocketformer.bench.device.adb import Adb
from pocketformer.bench.device.results import Phone
from pocketformer.errors import DeviceError

__all__ = ["describe_phone"]

_PROPERTY = re.compile(r"^\[([^]]+)\]: \[(.*)\]\s*$", re.MULTILINE)
_MEMORY = re.compile(r"^MemTotal:\s+(\d+) kB", re.MULTILINE)


def describe_phone(phone: Adb) -> tuple[Phone, tuple[str, ...]]:
    """Ask a phone for its name, its Android, its processor and its memory.

    Returns:
        The phone, and the architectures that it runs, best first, as ("arm64-v8a", "armeabi-v7a").

    Raises:
        DeviceError: What answers is no Android.
    """
    told = dict(_PROPERTY.findall(phone.shell("getprop")))
    if "ro.build.version.release" not in told:
        raise DeviceError(f"What adb calls {phone.serial} tells no release of Android; connect a phone.")
    memory = _MEMORY.search(phone.answer("cat /proc/meminfo"))
    cores = re.findall(r"^processor\s*:", phone.answer("cat /proc/cpuinfo"), re.MULTILINE)
    maker, model = told.get("ro.product.manufacturer", ""), told.get("ro.product.model", "unknown")
    listed = told.get("ro.product.cpu.abilist") or told.get("ro.product.cpu.abi", "")
    abis = tuple(abi for abi in listed.split(",") if abi)
    described = Phone(
        name=model if model.lower().startswith(maker.lower()) else f"{maker} {model}",
        android=told["ro.build.version.release"],
        sdk=int(told.get("ro.build.version.sdk", "0")),
        soc=told.get("ro.soc.model") or told.get("ro.board.platform") or told.get("ro.hardware", ""),
        abi=(abis or ("unknown",))[0],
        cores=len(cores),
        memory_bytes=int(memory[1]) * 1024 if memory else 0,
    )
    return described, abis
