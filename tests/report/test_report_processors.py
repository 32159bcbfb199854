"""What the report shows of emulated processors, and of processor time and energy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pocketformer.checks.emulation import ProcessorVerdict
from pocketformer.edition import Edition
from pocketformer.report import write_report

_RIGHT = ProcessorVerdict(
    "arm64", "cortex-a53", (), "qemu-aarch64 7.2.22", "ai-edge-litert 2.3.0", "x86-64", 200, 0, 16, 16, 0.014,
    0.00091, 0.123, 0.0264, "Turn it on.", 31.0, (),
)  # fmt: skip
_WRONG = replace(
    _RIGHT, processor="armv9", features=("dotprod", "i8mm"), labels_equal=9, misses=("The label changed.",)
)


def test_processors_stand_beside_the_proof(full_edition: Edition, tmp_path: Path) -> None:
    first = full_edition.files[0].model_copy(update={"processors": (_RIGHT, _WRONG)})
    edition = full_edition.model_copy(update={"files": (first, *full_edition.files[1:])})
    _, markdown = write_report(edition, tmp_path)
    shown = markdown.read_text("utf-8")
    row = next(line for line in shown.splitlines() if "arm64 cortex-a53" in line)
    for cell in (first.file, "✓ passed", "200 of 200", "16 of 16", "0.014", "0.091", "0.12", "2.6"):
        assert cell in row
    assert "armv9 (dotprod, i8mm)" in shown
    assert f"{first.file} on armv9: The label changed." in shown
    assert "ai-edge-litert 2.3.0 in qemu-aarch64 7.2.22, beside the same runtime on x86-64" in shown


def test_energy_and_processor_time_of_each_file(full_edition: Edition, tmp_path: Path) -> None:
    assert full_edition.bench is not None
    first, *others = full_edition.bench.footprints
    note = "Energy is that of the processor package by RAPL."
    measured = replace(first, cpu_percent=99.6, energy_mj=21.42, energy_with_idle_mj=40.2, energy_note=note)
    silent = [replace(one, cpu_percent=100.2, energy_note="No counter here.") for one in others]
    bench = replace(full_edition.bench, footprints=(measured, *silent))
    _, markdown = write_report(full_edition.model_copy(update={"bench": bench}), tmp_path)
    shown = markdown.read_text("utf-8").split("## Footprint")[1]
    assert "| 100 | 21.4 | 40.2 |" in shown
    assert shown.count("not readable") == len(others)
    assert note in shown
    assert shown.count("No counter here.") == 1


def test_an_edition_of_an_earlier_version_has_no_such_columns(full_edition: Edition, tmp_path: Path) -> None:
    older = Edition.model_validate_json(
        full_edition.model_dump_json(
            exclude={
                "bench": {
                    "footprints": {
                        "__all__": {"cpu_percent", "energy_mj", "energy_with_idle_mj", "energy_note"}
                    }
                },
                "files": {"__all__": {"processors"}},
            }
        )
    )
    assert older.files == full_edition.files
    _, markdown = write_report(older, tmp_path)
    footprint = markdown.read_text("utf-8").split("## Footprint")[1].split("## ")[0]
    assert "CPU" not in footprint.split("\n\n")[1]
    assert "not readable" not in footprint
