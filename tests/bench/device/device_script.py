"""A phone made of a folder: `python device_script.py FOLDER [STATE]` prints its port and answers adb.

Its shell is mksh and its commands are toybox's, the two that Android has; `/data` and `/sys` are in the
folder, `/proc` is this machine's. What phones answer to getprop, dumpsys and settings is in
FOLDER/answers, in the form that real ones print:
getprop: Xiaomi 12X (kona, Android 13), with this machine's architecture put in front;
dumpsys battery, thermalservice, power, batterystats -c: Android 13's services BatteryService,
ThermalManagerService, PowerManagerService, BatteryStats.dumpCheckinLocked.
The fuel gauge tells microampere, negative while the battery empties, more while a program runs.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

from adb_protocol import FEATURES, Phone

ABI = {"x86_64": "x86_64", "aarch64": "arm64-v8a"}.get(platform.machine(), platform.machine())
IDLE, BUSY = -182_000, -530_000  # microampere
MAH_PER_QUESTION = 0.25

GETPROP = f"""\
[ro.board.platform]: [kona]
[ro.build.version.release]: [13]
[ro.build.version.sdk]: [33]
[ro.product.cpu.abi]: [{ABI}]
[ro.product.cpu.abilist]: [{ABI},armeabi-v7a,armeabi]
[ro.product.manufacturer]: [Xiaomi]
[ro.product.model]: [2112123AC]
[ro.soc.manufacturer]: [QTI]
[ro.soc.model]: [SM8250]
"""
BATTERY = """\
Current Battery Service state:
  AC powered: false
  USB powered: false
  Wireless powered: false
  Max charging current: 0
  Max charging voltage: 0
  Charge counter: 2931000
  status: 3
  health: 2
  present: true
  level: 67
  scale: 100
  voltage: 3964
  temperature: 298
  technology: Li-poly
"""
THERMAL = """\
IsStatusOverride: false
ThermalEventListeners:
\tcallbacks: 2
\tkilled: false
\tbroadcasts count: -1
Thermal Status: 0
Cached temperatures:
\tTemperature{mValue=37.6, mType=0, mName=CPU0, mStatus=0}
\tTemperature{mValue=29.8, mType=2, mName=battery, mStatus=0}
HAL Ready: true
Current temperatures from HAL:
\tTemperature{mValue=37.9, mType=0, mName=CPU0, mStatus=0}
\tTemperature{mValue=31.2, mType=3, mName=skin, mStatus=0}
Current cooling devices from HAL:
\tCoolingDevice{mValue=0, mType=2, mName=thermal-cpufreq-0}
"""
POWER = """\
POWER MANAGER (dumpsys power)

Power Manager State:
  Settings power_manager_constants:
    no_cached_wake_locks=true
  mDirty=0x0
  mWakefulness=Awake
  mWakefulnessChanging=false
  mIsPowered=false
  mPlugType=0
  mBatteryLevel=67
Display Power: state=ON
"""
BATTERYSTATS = """\
9,0,i,vers,36,208,TKQ1.220829.002,TKQ1.220829.002
9,0,i,uid,1000,android
9,0,i,uid,2000,com.android.shell
9,0,l,pws,4500,1210,1150,1260
9,0,l,pwi,scrn,312,1,0,0
9,1000,l,pwi,uid,41.2,0,0.520,1.10
9,{uid},l,pwi,uid,{mah:.4f},0,0,0.0800
9,{uid},l,cpu,61230,4410,0
"""

_SCRIPTS = {
    "getprop": 'cat "$ROOT/answers/getprop"',
    "dumpsys": (
        'case "$1" in batterystats) touch "$ROOT/asked/$(date +%N)"; sleep 0.15;; esac\n'
        'cat "$ROOT/answers/$1"'
    ),
    "settings": 'cat "$ROOT/answers/$3"',
}


class FolderPhone(Phone):
    """A phone made of a folder."""

    def __init__(self, root: Path, state: str = "device") -> None:
        self.root = root
        self.state = state
        self.answers = root / "answers"
        self.gauge = root / "sys/class/power_supply/battery/current_now"
        self.commands = root / "bin"
        self.stack = root / "data/local/tmp"
        self.make()
        threading.Thread(target=self.live, daemon=True).start()

    def make(self) -> None:
        for folder in (self.answers, self.gauge.parent, self.commands, self.stack, self.root / "asked"):
            folder.mkdir(parents=True, exist_ok=True)
        # Another supply comes first, as on real ones: it is not the battery's.
        other = self.gauge.parent.parent / "ac"
        other.mkdir(exist_ok=True)
        (other / "type").write_text("Mains\n")
        (self.gauge.parent / "type").write_text("Battery\n")
        self.gauge.write_text(f"{IDLE}\n")
        given = {
            "getprop": GETPROP, "battery": BATTERY, "thermalservice": THERMAL, "power": POWER,
            "low_power": "0\n",
        }  # fmt: skip
        for name, answer in given.items():
            if not (self.answers / name).exists():
                (self.answers / name).write_text(answer)
        for name in subprocess.check_output(["toybox"], text=True).split():
            (self.commands / name).symlink_to("/usr/bin/toybox")
        for name, script in _SCRIPTS.items():
            (self.commands / name).unlink(missing_ok=True)
            (self.commands / name).write_text(f"#!{_MKSH}\n{script}\n")
            (self.commands / name).chmod(0o755)

    def live(self) -> None:
        """Keep the gauge and the statistics as a battery that is used."""
        while True:
            busy = any(self.stack.glob("pocketformer-*/process"))
            self.replace(self.gauge, f"{BUSY if busy else IDLE}\n")
            mah = 7.5 + MAH_PER_QUESTION * len(list((self.root / "asked").iterdir()))
            stats = BATTERYSTATS.format(uid=os.getuid(), mah=mah)
            self.replace(self.answers / "batterystats", stats)
            time.sleep(0.05)

    @staticmethod
    def replace(path: Path, content: str) -> None:
        if path.parent.is_dir() and os.access(path, os.R_OK | os.F_OK):
            fresh = path.with_name(f".{path.name}")
            fresh.write_text(content)
            fresh.replace(path)
        elif path.name == "batterystats":
            path.write_text(content)

    def banner(self) -> str:
        names = "ro.product.name=psyche;ro.product.model=2112123AC;ro.product.device=psyche"
        return f"device::{names};features={FEATURES}"

    def place(self, name: str) -> Path:
        return self.root / name.lstrip("/")

    def arriving(self, content: bytearray) -> bytearray:
        if (self.root / "spoil").exists() and content:
            content[-1] ^= 1
        return content

    def start(self, command: str, *, merged: bool) -> subprocess.Popen[bytes]:
        with (self.root / "commands").open("a") as log:
            log.write(command.replace("\n", "\n  ") + "\n")
        inside = re.sub(r"(?<![\w.])/(?=(data|sys)/)", f"{self.root}/", command)
        return subprocess.Popen(
            [_MKSH, "-c", inside],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merged else subprocess.PIPE,
            cwd=self.root,
            env={"PATH": str(self.commands), "ROOT": str(self.root), "HOME": "/"},
            start_new_session=True,
        )


_MKSH = "/usr/bin/mksh"

if __name__ == "__main__":
    phone = FolderPhone(Path(sys.argv[1]).resolve(), *sys.argv[2:3])
    sys.stdout.write(f"{phone.listen()}\n")
    sys.stdout.flush()
    threading.Event().wait()
