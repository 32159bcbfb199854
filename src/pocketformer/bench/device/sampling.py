"""A program on the phone under watch: its processor time, its memory and the battery's current as it runs.

The watch is one shell script on the phone, so that nothing waits for the cable: every fifth of a second it
reads `/proc/PID/stat`, `/proc/PID/status` and the fuel gauge, without starting a process for it.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from pocketformer.bench.device.workspace import PROCESS_FILE, Workspace
from pocketformer.errors import DeviceError

__all__ = ["Sample", "Watched", "watch", "watch_idle"]

_SAMPLE, _ENDED = "@", "="
_LONGEST_SECONDS = 300
_PAUSE_SECONDS = 0.2
_TICKS_PER_SECOND = 100  # USER_HZ of /proc/PID/stat, the same on every Linux
_USER_TIME, _SYSTEM_TIME = 11, 12  # fields of /proc/PID/stat behind the name: see proc(5), 14 and 15

# $1 folder, $2 program and arguments, $3 the gauge's file or nothing. `EPOCHREALTIME` is of mksh, which is
# Android's shell. Where standard input ends, the computer is gone: then nothing may be left behind.
_WATCH = r"""
cd "$1" || exit 1
eval "exec $2" > log 2>&1 &
number=$!
trap '' HUP PIPE
exec 3<&0
(while read -r line; do :; done; kill -9 $number; rm -rf "$1") <&3 > /dev/null 2>&1 &
guard=$!
echo $number > {process}
while read -r stat < /proc/$number/stat; do
  case "$stat" in *') Z '*) break;; esac
  memory=0 current=-
  while read -r key value unit; do
    if [ "$key" = VmHWM: ]; then memory=$value; break; fi
  done < /proc/$number/status
  if [ -n "$3" ]; then read -r current < "$3" || current=-; fi
  echo "@ $EPOCHREALTIME $memory $current $stat"
  sleep {pause}
done 2>/dev/null
wait $number
code=$?
kill -9 $guard
echo "= $code"
rm -f {process}
cat log
"""
_IDLE = r"""
count=0
while [ $count -lt {count} ]; do
  read -r current < "$1" && echo "$current"
  sleep {pause}
  count=$((count + 1))
done
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """What the watch read at one moment.

    Attributes:
        second: On the phone's clock.
        memory_bytes: The largest resident memory of the process so far.
        current: What the fuel gauge tells, in its own unit; None without one.
        cpu_seconds: Processor time of the process so far, user's and system's.
    """

    second: float
    memory_bytes: int
    current: float | None
    cpu_seconds: float


@dataclass(frozen=True, slots=True)
class Watched:
    """A program that has ended.

    Attributes:
        samples: In the order of time.
        code: Its exit code.
        text: What it printed, standard output and error together.
    """

    samples: tuple[Sample, ...]
    code: int
    text: str

    def after(self, seconds: float) -> tuple[Sample, ...]:
        """Return the samples from so many seconds behind the first on."""
        if not self.samples:
            return ()
        begin = self.samples[0].second + seconds
        return tuple(sample for sample in self.samples if sample.second >= begin)


def watch(space: Workspace, command: str, gauge: str = "") -> Watched:
    """Run a program of a workspace and watch it.

    Args:
        space: Where it stands, and where it may write.
        command: The program and its arguments, for a shell in that folder.
        gauge: Path of the fuel gauge; "" where there is none to be read.

    Raises:
        DeviceError: The phone is gone, or the program took longer than five minutes.
    """
    script = _WATCH.format(process=PROCESS_FILE, pause=_PAUSE_SECONDS)
    return _read(space.phone.watched_shell(_script(script, space.folder, command, gauge), _LONGEST_SECONDS))


def watch_idle(space: Workspace, gauge: str, seconds: float) -> list[float]:
    """Return what the fuel gauge tells, in its own unit, while nothing of ours runs."""
    script = _IDLE.format(count=round(seconds / _PAUSE_SECONDS), pause=_PAUSE_SECONDS)
    return [float(line) for line in space.phone.shell(_script(script, gauge)).split()]


def _script(script: str, *values: str) -> str:
    return f"set -- {shlex.join(values)}\n{script}"


def _read(text: str) -> Watched:
    samples: list[Sample] = []
    lines = text.split("\n")
    for place, line in enumerate(lines):
        mark, _, rest = line.partition(" ")
        if mark == _SAMPLE:
            samples.append(_sample(rest))
        elif mark == _ENDED:
            return Watched(tuple(samples), int(rest), "\n".join(lines[place + 1 :]))
    raise DeviceError(
        "The phone's shell did not run the program to its end: "
        + (" / ".join(line for line in lines if line and not line.startswith(_SAMPLE)) or "it said nothing")
    )


def _sample(line: str) -> Sample:
    second, kilobytes, current, stat = line.split(" ", 3)
    ticks = stat.rpartition(") ")[2].split()  # the name before it may hold spaces
    return Sample(
        second=float(second),
        memory_bytes=int(kilobytes) * 1024,
        current=None if current == "-" else float(current),
        cpu_seconds=(int(ticks[_USER_TIME]) + int(ticks[_SYSTEM_TIME])) / _TICKS_PER_SECOND,
    )
