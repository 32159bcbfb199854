"""Kotlin's compiler from npm, and what Debian has of Android's tools; a test without them is skipped."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

KOTLIN = "2.4.20"

#: Jars of Debian's packages junit4 and libandroid-json-java: JUnit, and Android's own org.json.
JUNIT = (Path("/usr/share/java/junit4.jar"), Path("/usr/share/java/hamcrest-core.jar"))
JSON = Path("/usr/share/java/com.android.json.jar")

#: Of android-framework-res: what manifests and resources may name, as of Android 10.
FRAMEWORK = Path("/usr/share/android-framework-res/framework-res.apk")


def require(is_there: bool, what: str) -> None:
    """Skip a test where a tool is missing; fail it where all tools must be there."""
    if is_there:
        return
    if os.environ.get("POCKETFORMER_REQUIRE_TOOLS") == "1":
        pytest.fail(f"missing: {what}")
    pytest.skip(f"missing: {what}")


def require_jvm() -> None:
    """Skip a test that compiles or runs Kotlin where that cannot be."""
    require(shutil.which("java") is not None, "java (apt-get install default-jre-headless)")
    jars = all(jar.is_file() for jar in (*JUNIT, JSON))
    require(jars, "JUnit and Android's org.json (apt-get install junit4 libandroid-json-java)")


def require_android() -> None:
    """Skip a test that packs resources where that cannot be."""
    is_there = shutil.which("aapt2") is not None and FRAMEWORK.is_file()
    require(is_there, "aapt2 and the framework (apt-get install aapt android-framework-res)")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder while something is made in it: test workers share it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def kotlin_home(folder: Path) -> Path:
    """Return Kotlin's compiler: that of POCKETFORMER_KOTLIN_HOME, or npm's, unpacked in a folder."""
    named = os.environ.get("POCKETFORMER_KOTLIN_HOME")
    home = Path(named) if named else folder / "package"
    if not home.is_dir():
        npm = shutil.which("npm")
        require(npm is not None, "npm, or POCKETFORMER_KOTLIN_HOME")
        folder.mkdir(parents=True, exist_ok=True)
        packed = [str(npm), "pack", f"kotlin-compiler@{KOTLIN}", "--silent"]
        result = subprocess.run(packed, cwd=folder, capture_output=True, text=True, check=False)
        require(result.returncode == 0, f"kotlin-compiler from npm: {result.stderr.strip()[-200:]}")
        archive = folder / f"kotlin-compiler-{KOTLIN}.tgz"
        with tarfile.open(archive) as stream:
            stream.extractall(folder, filter="data")
        archive.unlink()
    return home


def compile_kotlin(
    home: Path, sources: Sequence[Path], output: Path, classpath: Sequence[Path], *, compose: bool = False
) -> None:
    """Compile Kotlin, and take in Java's declarations; a warning is an error."""
    lib = home / "lib"
    plugin = [f"-Xplugin={lib / 'compose-compiler-plugin.jar'}"] if compose else []
    options = ["-kotlin-home", home, "-d", output, "-jvm-target", "17", "-language-version", "2.3", "-Werror"]
    loader = ["-Xmx1g", "-cp", lib / "kotlin-preloader.jar", "org.jetbrains.kotlin.preloading.Preloader"]
    compiler = ["-cp", lib / "kotlin-compiler.jar", "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler"]
    command = ["java", *loader, *compiler, *options, *plugin, "-cp", joined(classpath), *sources]
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-6000:]


def joined(classpath: Sequence[Path]) -> str:
    return ":".join(str(path) for path in classpath)
