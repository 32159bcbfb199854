"""`bench --device` against a real adb server, with a phone made of a folder at the other end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pocketformer.bench.device import DeviceOptions, bench_on_device, cases_of
from pocketformer.bench.device.adb import choose_device, find_adb
from pocketformer.cli import main
from pocketformer.edition import Edition
from pocketformer.errors import DeviceError, RecipeError

pytestmark = pytest.mark.slow

TEXTS = ("where is my card when the account is lost", "hello world")


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["pocketformer", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
    captured = capsys.readouterr()
    return int(stopped.value.code or 0), captured.out, captured.err


def measured(finished: Path, tool: Path, **options: object):  # type: ignore[no-untyped-def]
    cases = cases_of(finished / "tiny.int8.tflite", TEXTS, signatures=("classify_16",))
    quick = {"tool": tool, "threads": (1,), "visits": 1, "runs": 2, "seconds": 0.0, **options}
    return bench_on_device(cases, DeviceOptions(**quick))  # type: ignore[arg-type]


def test_an_edition_is_measured_and_nothing_is_left(
    capsys: pytest.CaptureFixture[str], connect: Callable, make_tool: Callable, dist: Path
) -> None:
    phone = connect()
    code, out, err = run(
        capsys, "bench", dist, "--device", "--benchmark-model", make_tool(), "--threads", 1, "--visits", 1,
        "--signature", "classify", "--signature", "tokenize", "--json",
    )  # fmt: skip
    assert code == 0, err
    found = json.loads(out)
    assert found["phone"]["name"] == "Xiaomi 2112123AC"
    assert (found["phone"]["android"], found["phone"]["sdk"], found["phone"]["soc"]) == ("13", 33, "SM8250")
    rows = {(row["file"], row["signature"]): row for row in found["timings"]}
    names = {f"tiny.{precision}.tflite" for precision in ("fp32", "fp16", "int8")}
    assert set(rows) == {(name, s) for name in names for s in ("classify", "tokenize")}
    for (name, signature), row in rows.items():
        # The stand-in runs on this machine, so its outputs must be the very same.
        assert row["max_error"] < 1e-6
        assert row["same_label"] is (None if signature == "tokenize" else True)
        assert row["visits"] == 1
        assert row["runs"] >= 30
        assert 0 < row["median_ms"] <= row["p95_ms"] * 1.5
        assert 0 < row["mean_ms"] < 1000
        assert 0 < row["cpu_percent"] < 130  # of one thread, on a machine that may be busy
        assert row["memory_bytes"] > (dist / name).stat().st_size
        assert row["current_ma"] == pytest.approx(530 - 182, abs=60)
        assert row["energy_mj"] == pytest.approx(row["current_ma"] * 3.964 * row["mean_ms"] / 1e3)
        assert row["estimated_ma"] > 0
    assert found["idle_ma"] == pytest.approx(182, abs=40)
    assert (found["charging"], found["thermal_status"], found["battery_celsius"]) == (False, 0, 29.8)
    assert any("screen was on" in note for note in found["notes"])
    assert phone.left() == []
    kept = Edition.load(dist).device_bench
    assert len(kept) == 1
    assert kept[0].timings[0].mean_ms == found["timings"][0]["mean_ms"]
    assert run(capsys, "report", dist)[0] == 0
    report = (dist / "report.md").read_text()
    assert "On a phone" in report
    assert "Xiaomi 2112123AC (Android 13, SM8250" in report


def test_files_take_turns(connect: Callable, make_tool: Callable, finished: Path) -> None:
    phone = connect()
    paths = [finished / f"tiny.{precision}.tflite" for precision in ("fp32", "int8")]
    cases = [case for path in paths for case in cases_of(path, TEXTS, signatures=("classify_16",))]
    options = DeviceOptions(tool=make_tool(), threads=(1, 2), visits=2, runs=1, seconds=0.0)
    found = bench_on_device(cases, options)
    assert [(row.file, row.threads) for row in found.timings] == [
        (path.name, threads) for path in paths for threads in (1, 2)
    ]
    starts = [line for line in phone.asked().splitlines() if "--graph=" in line]
    assert len(starts) == 8
    rounds = [{line.partition(" --num_runs")[0] for line in starts[at : at + 4]} for at in (0, 4)]
    assert len(rounds[0]) == 4  # each once before any comes again
    assert rounds[0] == rounds[1]


def test_single_files_race_on_the_phone_too(
    capsys: pytest.CaptureFixture[str], connect: Callable, make_tool: Callable, finished: Path
) -> None:
    connect()
    files = [finished / "tiny.fp32.tflite", finished / "tiny.int8.tflite"]
    code, out, err = run(
        capsys, "bench", *files, "--device", "--benchmark-model", make_tool(), "--threads", 1, "--visits", 1,
        "--signature", "classify_32", "--delegate", "xnnpack", "--delegate", "none", "--rounds", 2,
    )  # fmt: skip
    assert code == 0, err
    assert "Xiaomi 2112123AC, Android 13" in out
    assert out.count("classify_32") == 4
    assert "RAM MB" in out


def test_without_adb_or_a_phone(
    monkeypatch: pytest.MonkeyPatch, adb_server: None, make_tool: Callable, finished: Path, tmp_path: Path
) -> None:
    with pytest.raises(DeviceError, match=r"No phone is attached.*USB debugging"):
        measured(finished, make_tool())
    with pytest.raises(DeviceError, match="lists no phone 'emulator-5554'; it lists none"):
        measured(finished, make_tool(), serial="emulator-5554")
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tmp_path))
        patch.delenv("ANDROID_HOME", raising=False)
        patch.delenv("ANDROID_SDK_ROOT", raising=False)
        with pytest.raises(DeviceError, match=r"adb is not installed.*apt install adb"):
            measured(finished, make_tool())


def test_of_several_phones_one_is_chosen(
    monkeypatch: pytest.MonkeyPatch, connect: Callable, make_tool: Callable, finished: Path
) -> None:
    first, second = connect(), connect()
    with pytest.raises(
        DeviceError, match="Several phones are attached; choose one with --serial: "
    ) as refused:
        measured(finished, make_tool())
    assert first.serial in str(refused.value)
    assert second.serial in str(refused.value)
    assert len(measured(finished, make_tool(), serial=second.serial).timings) == 1
    assert "--graph=" not in (first.asked() if (first.root / "commands").exists() else "")
    monkeypatch.setenv("ANDROID_SERIAL", first.serial)
    assert choose_device(find_adb()).serial == first.serial


def test_a_phone_that_has_not_allowed_this_computer(
    connect: Callable, make_tool: Callable, finished: Path
) -> None:
    connect("unauthorized")
    with pytest.raises(DeviceError, match="has not allowed this computer: unlock it"):
        measured(finished, make_tool())


def test_a_phone_that_does_not_answer(connect: Callable, make_tool: Callable, finished: Path) -> None:
    connect("offline")
    with pytest.raises(DeviceError, match="adb sees it and it does not answer: replug the cable"):
        measured(finished, make_tool())


def test_what_a_killed_command_left_is_swept_away_later(
    connect: Callable, make_tool: Callable, finished: Path
) -> None:
    phone = connect()
    for name, hours in (("pocketformer-0ld0", 5), ("pocketformer-busy", 0), ("somebody", 5)):
        folder = phone.root / "data/local/tmp" / name
        folder.mkdir()
        (folder / "model").touch()
        then = time.time() - hours * 3600
        os.utime(folder, (then, then))
    (phone.root / "spoil").touch()  # it need not come far
    with pytest.raises(DeviceError, match="did not arrive"):
        measured(finished, make_tool())
    assert phone.left() == ["pocketformer-busy", "somebody"]


def test_a_tool_that_does_not_fit(
    connect: Callable, make_tool: Callable, finished: Path, tmp_path: Path
) -> None:
    phone = connect()
    with pytest.raises(
        DeviceError, match=r"path was not given. Download it.*android_aarch64_benchmark_model"
    ):
        measured(finished, None)  # type: ignore[arg-type]
    with pytest.raises(DeviceError, match="There is no file"):
        measured(finished, tmp_path / "nothing")
    app = tmp_path / "benchmark_model.apk"
    app.write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(DeviceError, match=r"is no program for Android .*\.apk"):
        measured(finished, app)
    phone.answer("getprop", "x86_64", "arm64-v8a")
    with pytest.raises(DeviceError, match="built for x86_64, and the phone runs arm64-v8a or armeabi-v7a"):
        measured(finished, make_tool())
    assert phone.left() == []


def test_a_tool_that_fails_is_quoted(connect: Callable, make_tool: Callable, finished: Path) -> None:
    phone = connect()
    with pytest.raises(DeviceError, match="'FULLY_CONNECTED' version '12'") as failed:
        measured(finished, make_tool("failing"))
    assert "tiny.int8.tflite, signature classify_16" in str(failed.value)
    assert phone.left() == []


def test_a_tool_that_knows_no_signatures_is_refused(
    connect: Callable, make_tool: Callable, finished: Path
) -> None:
    phone = connect()
    with pytest.raises(DeviceError, match="does not know --signature_to_run_for"):
        measured(finished, make_tool("old"))
    assert phone.left() == []


def test_the_tool_of_compiled_model(connect: Callable, make_tool: Callable, finished: Path) -> None:
    connect()
    found = measured(finished, make_tool("compiled"))
    row = found.timings[0]
    assert row.mean_ms > 0
    assert row.init_ms > 0
    assert (row.max_error, row.same_label) == (None, None)
    assert any("ran on random numbers" in note for note in found.notes)
    with pytest.raises(DeviceError, match="does not know --use_nnapi"):
        measured(finished, make_tool("compiled"), delegates=("nnapi",))


def test_a_delegate_that_takes_nothing_is_told(
    connect: Callable, make_tool: Callable, finished: Path
) -> None:
    connect()
    found = measured(finished, make_tool(), delegates=("gpu",))
    assert found.timings[0].delegated == 0.0
    assert any("gpu took no operation" in note for note in found.notes)


def test_a_file_that_arrives_damaged(connect: Callable, make_tool: Callable, finished: Path) -> None:
    phone = connect()
    (phone.root / "spoil").touch()
    with pytest.raises(DeviceError, match="did not arrive on the phone as it was sent"):
        measured(finished, make_tool())
    assert phone.left() == []


def test_a_charging_hot_saving_phone(connect: Callable, make_tool: Callable, finished: Path) -> None:
    phone = connect()
    phone.answer("battery", "USB powered: false", "USB powered: true")
    phone.answer("battery", "status: 3", "status: 2")
    phone.answer("thermalservice", "Thermal Status: 0", "Thermal Status: 2")
    phone.answer("low_power", "0", "1")
    phone.answer("power", "mWakefulness=Awake", "mWakefulness=Dozing")
    found = measured(finished, make_tool())
    row = found.timings[0]
    assert (row.current_ma, row.estimated_ma, row.energy_mj, found.idle_ma) == (None, None, None, None)
    assert (found.charging, found.screen_on, found.thermal_status) == (True, False, 2)
    notes = " ".join(found.notes)
    assert "charging (USB)" in notes
    assert "adb tcpip 5555" in notes
    assert "thermal status 2 (moderate)" in notes
    assert "Battery saver was on" in notes
    assert "batterystats" not in phone.asked()


def test_a_phone_without_a_readable_gauge(connect: Callable, make_tool: Callable, finished: Path) -> None:
    phone = connect()
    (phone.root / "sys/class/power_supply/battery/type").write_text("BMS\n")
    found = measured(finished, make_tool(), seconds=1.0)
    assert found.timings[0].current_ma is None
    assert found.timings[0].estimated_ma is not None
    assert any("does not let adb read its fuel gauge" in note for note in found.notes)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_interrupted_leaves_nothing_on_the_phone(
    number: signal.Signals, connect: Callable, make_tool: Callable, dist: Path
) -> None:
    phone = connect()
    before = (dist / "edition.json").read_bytes()
    command = [
        sys.executable, "-m", "pocketformer", "bench", str(dist), "--device", "--benchmark-model",
        str(make_tool()), "--rounds", "1000000", "--threads", "1", "--signature", "classify_16",
    ]  # fmt: skip
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )
    running = wait_for(lambda: list((phone.root / "data/local/tmp").glob("pocketformer-*/process")))
    wait_for(lambda: running[0].read_text())
    inside = int(running[0].read_text())
    time.sleep(0.5)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == (130 if number != signal.SIGKILL else -9), err.decode()
    if number == signal.SIGKILL:  # nobody is left to clean up: the phone does it
        wait_for(lambda: not phone.left())
    assert phone.left() == []
    wait_for(lambda: not Path(f"/proc/{inside}").exists())
    assert (dist / "edition.json").read_bytes() == before


def wait_for(found: Callable):  # type: ignore[no-untyped-def,type-arg]
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if value := found():
            return value
        time.sleep(0.05)
    raise AssertionError("it did not happen within a minute")


def test_two_files_of_one_name(
    connect: Callable, make_tool: Callable, finished: Path, tmp_path: Path
) -> None:
    connect()
    other = tmp_path / "tiny.int8.tflite"
    other.write_bytes((finished / "tiny.int8.tflite").read_bytes())
    paths = (finished / "tiny.int8.tflite", other)
    cases = (case for path in paths for case in cases_of(path, TEXTS, signatures=("classify_16",)))
    with pytest.raises(RecipeError, match=r"Two files are called tiny\.int8\.tflite"):
        bench_on_device(cases, DeviceOptions(tool=make_tool()))
    with pytest.raises(RecipeError, match="There is no file to measure"):
        bench_on_device((), DeviceOptions(tool=make_tool()))
