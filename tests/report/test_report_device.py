"""The report on phones: a table of files as one chooses by it, a row for each signature, what to know."""

from __future__ import annotations

from dataclasses import replace

from pocketformer.bench.device import DeviceBench, DeviceTiming, Phone
from pocketformer.edition import Edition
from pocketformer.report.blocks import Bullets, Paragraph, Table
from pocketformer.report.sections.device import device_section

PHONE = Phone("Xiaomi 2112123AC", "13", 33, "SM8250", "arm64-v8a", 8, 8 * 2**30)
ROW = DeviceTiming(
    "notices.int8.tflite", "classify", 1024, 1, "xnnpack", 0.97, 3, 90, 43.7, 72.6, 18.25, 18.0, 19.1,
    98.6, 103_000_000, 348.2, 301.0, 25.2, 0.0021, True,
)  # fmt: skip


def bench(*timings: DeviceTiming, **changes: object) -> DeviceBench:
    made = DeviceBench(
        PHONE, "2026-11-28T14:00:00Z", "benchmark_model", "ab" * 32, True, False, 0, 31.4,
        {row.file: "i" * 64 for row in timings}, 182.0, timings, ("The screen was on.",),
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def test_no_phone_no_section(full_edition: Edition) -> None:
    assert device_section(full_edition) is None


def test_files_stand_beside_each_other(full_edition: Edition) -> None:
    slow = replace(ROW, file="notices.fp32.tflite", mean_ms=61.0, current_ma=402.0, same_label=False)
    short = replace(ROW, signature="classify_16", size=16, mean_ms=2.0)
    threads = replace(ROW, threads=4, mean_ms=7.0, cpu_percent=371.0)
    edition = full_edition.model_copy(update={"device_bench": (bench(short, ROW, threads, slow),)})
    section = device_section(edition)
    assert section is not None
    where, files, signatures, notes = section.blocks
    assert isinstance(where, Paragraph)
    assert "Xiaomi 2112123AC (Android 13, SM8250, arm64-v8a, 8 cores, 8.0 GiB of memory)" in where.text
    assert "Idle it drew 182 mA, which is taken off." in where.text
    assert isinstance(files, Table)
    assert files.caption == "The files on Xiaomi 2112123AC, 1 thread, xnnpack"
    assert [column.title for column in files.columns][2:] == [
        "Accuracy, %", "Size, MB", "ms", "mA", "CPU, %", "RAM, MB",
    ]  # fmt: skip
    assert files.rows == (
        ("notices.int8.tflite", "classify", "93.00", "24.6", "18.2", "348", "99", "103"),
        ("notices.fp32.tflite", "classify", "93.33", "91.7", "61.0", "402", "99", "103"),
    )
    assert isinstance(signatures, Table)
    assert len(signatures.rows) == 4
    assert signatures.rows[2][4:6] == ("4", "7.00 (19.1)")
    assert signatures.rows[3][-1] == "no"
    assert isinstance(notes, Bullets)


def test_on_a_charging_phone_the_columns_of_current_are_left_out(full_edition: Edition) -> None:
    row = replace(ROW, current_ma=None, estimated_ma=None, energy_mj=None)
    charging = bench(row, charging=True, idle_ma=None)
    section = device_section(full_edition.model_copy(update={"device_bench": (charging,)}))
    assert section is not None
    for table in section.blocks[1:3]:
        assert isinstance(table, Table)
        assert not any("mA" in column.title or "mJ" in column.title for column in table.columns)


def test_an_edition_keeps_its_phones(full_edition: Edition) -> None:
    edition = full_edition.model_copy(update={"device_bench": (bench(ROW),)})
    assert Edition.model_validate_json(edition.model_dump_json()) == edition
    older = edition.model_dump(mode="json")
    del older["device_bench"]  # an edition of before there were phones
    assert Edition.model_validate(older).device_bench == ()
