"""LiteRT's `benchmark_model` as a program: where it comes from, and which processors it is for."""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from pathlib import Path

from pocketformer.errors import DeviceError

__all__ = ["TOOL_ADDRESS", "find_tool", "require_runs_on"]

#: Where LiteRT's makers publish the program for arm64 phones (docs/device.md says which of two it is).
TOOL_ADDRESS = (
    "https://storage.googleapis.com/tensorflow-nightly-public/prod/tensorflow/release/lite/tools/nightly/"
    "latest/android_aarch64_benchmark_model"
)

_VARIABLE = "POCKETFORMER_BENCHMARK_MODEL"
_ELF = b"\x7fELF"
_MACHINE_OFFSET = 18  # e_machine of the ELF header, 16 bits
_BIG_ENDIAN = 2
# e_machine → what Android calls it. Source: the ELF specification's registry of machines, Android's ABI list.
_ABIS = {3: "x86", 40: "armeabi-v7a", 62: "x86_64", 183: "arm64-v8a", 243: "riscv64"}


def find_tool(path: Path | None) -> Path:
    """Return the program to push: the path given, or the environment's POCKETFORMER_BENCHMARK_MODEL.

    Raises:
        DeviceError: None was given, or there is no such file.
    """
    named = path or (Path(os.environ[_VARIABLE]) if os.environ.get(_VARIABLE) else None)
    if named is None:
        raise DeviceError(
            "LiteRT's benchmark_model runs the files on the phone, and its path was not given. Download it "
            f"once for an arm64 phone, from {TOOL_ADDRESS}, and give it with --benchmark-model PATH "
            f"(or set {_VARIABLE})."
        )
    if not named.is_file():
        raise DeviceError(f"There is no file {named}. Download benchmark_model from {TOOL_ADDRESS}.")
    return named


def require_runs_on(tool: Path, abis: Sequence[str]) -> None:
    """Refuse a program that was built for another processor than the phone's.

    Args:
        tool: The program.
        abis: What the phone runs, as `getprop ro.product.cpu.abilist` lists it.

    Raises:
        DeviceError: It is no program for Android or Linux, or for another processor.
    """
    header = tool.read_bytes()[:20]
    if header[:4] != _ELF or len(header) < 20:
        raise DeviceError(
            f"{tool} is no program for Android (it begins with {header[:4]!r}, expected {_ELF!r}). The app "
            f"(….apk) cannot be used here; download the plain program from {TOOL_ADDRESS}."
        )
    order = ">" if header[5] == _BIG_ENDIAN else "<"
    (machine,) = struct.unpack_from(f"{order}H", header, _MACHINE_OFFSET)
    abi = _ABIS.get(machine, f"machine {machine}")
    if abi not in abis:
        raise DeviceError(
            f"{tool} is built for {abi}, and the phone runs {' or '.join(abis) or 'nothing that it tells'}. "
            "Download the benchmark_model of the phone's architecture."
        )
