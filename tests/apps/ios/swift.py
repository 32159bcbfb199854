"""Debian's Swift compiler in a root of its own, as `install_swift.sh` puts it there."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent

#: How a mount of the work folder, and nothing else of this machine, is seen by the compiler.
_ENTER = """
set -e
mount --rbind /proc "$1/proc"
mount --rbind /dev "$1/dev"
mount --bind "$2" "$1/work"
root=$1; shift 2
exec chroot "$root" /usr/bin/env -i HOME=/work LANG=C.UTF-8 \\
    PATH=/usr/libexec/swift/bin:/usr/bin "$@"
"""


@dataclass(frozen=True)
class Swift:
    """The compiler, and a folder that it sees as /work."""

    root: Path
    work: Path

    def run(self, command: str, seconds: float = 900) -> subprocess.CompletedProcess[str]:
        """Run a command line of bash's, in /work; standard output has both streams."""
        entered = ["unshare", "--mount", "sh", "-c", _ENTER, "sh", str(self.root), str(self.work)]
        return subprocess.run(
            [*entered, "bash", "-c", f"cd /work && {command}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )

    def succeed(self, command: str, seconds: float = 900) -> str:
        """Run a command that must succeed, and return what it printed."""
        result = self.run(command, seconds)
        assert result.returncode == 0, f"{command}\n{result.stdout[-6000:]}"
        return result.stdout


def swift_root() -> Path:
    """Return the root that has the compiler; skip the test where there is none."""
    root = Path(os.environ.get("POCKETFORMER_SWIFT_ROOT", "/opt/pocketformer-swift"))
    missing = ""
    if not (root / "usr/bin/swiftc").exists():
        missing = f"no Swift compiler in {root}: tests/apps/ios/install_swift.sh {root}"
    elif os.geteuid() != 0:
        missing = "entering the Swift compiler's root takes root's rights"
    if missing and os.environ.get("POCKETFORMER_REQUIRE_TOOLS") == "1":
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)
    return root
