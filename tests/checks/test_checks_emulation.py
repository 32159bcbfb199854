"""Files on emulated processors: what is compared and what is said when a step fails, without an emulator."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pocketformer.checks.emulation import (
    PROCESSORS,
    Answers,
    Expected,
    Machine,
    ProcessorVerdict,
    compare_answers,
    processor_named,
    root_at,
)
from pocketformer.checks.emulation.packages import unpack_system
from pocketformer.checks.emulation.root import Root
from pocketformer.checks.emulation.worker import features
from pocketformer.edition import Edition
from pocketformer.errors import EmulationError, RecipeError
from pocketformer.pipeline import EmulationRequest, Silent, verify_emulated
from pocketformer.plan import Plan

_INT8, _FP32 = Plan.named("int8"), Plan.named("fp32")
_LOGITS = np.array([[4, -2, 0], [1, 3, -1]], np.float32)
_IDS = ((101, 7, 102), (101, 102), (101, 8, 102))
_EXPECTED = Expected((b"one", b"two", b"three"), (True, False, True), _IDS, _LOGITS, False, True)
_HERE = Answers(_IDS, _LOGITS, None, (), "ai-edge-litert 2.3.0", 0.1)


def judged(
    values: np.ndarray, plan: Plan = _INT8, expected: Expected = _EXPECTED, ids: object = _IDS
) -> ProcessorVerdict:
    there = replace(_HERE, ids=ids, values=np.asarray(values, np.float32), features=("dotprod",))
    return compare_answers(plan, expected, _HERE, there, PROCESSORS[0], "qemu-aarch64 7.2.22")


def test_small_differences_pass_and_are_told() -> None:
    verdict = judged(np.add(_LOGITS, [[0, 0, 0], [0, 0.03, 0]]))
    assert verdict.passed
    assert verdict.max_difference == pytest.approx(0.03, rel=1e-5)
    assert verdict.mean_relative_difference == pytest.approx(0.005, rel=1e-5)
    assert (verdict.texts, verdict.classified, verdict.labels_equal) == (3, 2, 2)
    assert verdict.worst_text == "three"
    assert verdict.features == ("dotprod",)


def test_the_limit_is_that_of_the_plan() -> None:
    off = np.add(_LOGITS, [[0, 0, 0], [0, 0.003, 0]])
    assert judged(off, _INT8).passed
    misses = judged(off, _FP32).misses
    assert any("largest difference to this machine is 0.003, at most 0.0001" in miss for miss in misses)
    assert any("largest difference to PyTorch is 0.003" in miss for miss in misses)


def test_other_ids_are_a_miss() -> None:
    verdict = judged(_LOGITS, ids=((101, 7, 102), (101, 9, 102), (101, 8, 102)))
    assert verdict.token_mismatches == 1
    assert verdict.misses == ("Token ids differ from Hugging Face's in 1 of 3 texts, first in 'two'.",)


def test_a_label_that_the_allowed_error_cannot_change_is_a_miss() -> None:
    swapped = judged([[4, -2, 0], [3, 1, -1]])
    assert swapped.labels_equal == 1
    assert "The label of 'three' changed, which led by 2 on this machine." in swapped.misses


def test_a_tie_may_fall_either_way() -> None:
    tie = np.array([[4, 3.99, 0], [1, 3, -1]], np.float32)
    here, there = replace(_HERE, values=tie), replace(_HERE, values=tie[:, [1, 0, 2]])
    there.values[1] = tie[1]
    expected = replace(_EXPECTED, values=tie)
    verdict = compare_answers(_INT8, expected, here, there, PROCESSORS[0], "qemu")
    assert verdict.labels_equal == 1
    assert verdict.passed
    assert verdict.ties == ("The label of 'one' changed, which led by 0.01 on this machine.",)


def test_what_is_no_number_is_a_miss() -> None:
    verdict = judged([[np.nan, -2, 0], [1, 3, -1]])
    assert not verdict.passed
    assert verdict.max_difference == np.inf


def test_an_encoder_has_no_labels() -> None:
    verdict = judged(_LOGITS[:, ::-1], expected=replace(_EXPECTED, encoder=True, values=_LOGITS[:, ::-1]))
    assert verdict.labels_equal is None
    assert all("label" not in miss for miss in verdict.misses)


def test_what_a_program_sees_of_a_processor() -> None:
    words = [16, 1 << 20 | 1 << 10 | 1, 26, 1 << 13 | 1 << 1, 6, 4096, 0, 0]
    assert features(struct.pack(f"<{len(words)}Q", *words)) == ["fp16", "dotprod", "sve2", "i8mm"]


def test_processors_are_told_apart_in_cpuinfo() -> None:
    parts = {line for one in PROCESSORS for line in one.cpuinfo.splitlines() if line.startswith("CPU part")}
    assert len(parts) == len(PROCESSORS)
    with pytest.raises(RecipeError, match=r"no processor 'a99'; emulated are: cortex-a53, cortex-a76, armv9"):
        processor_named("a99")


def test_a_root_without_python(tmp_path: Path) -> None:
    with pytest.raises(EmulationError, match="holds no Python in usr/bin or usr/local/bin"):
        root_at(tmp_path, print)


def test_a_root_with_an_old_python(tmp_path: Path) -> None:
    (tmp_path / "usr/bin").mkdir(parents=True)
    (tmp_path / "usr/bin/python3.9").touch()
    with pytest.raises(EmulationError, match=r"holds Python 3\.9 .* Python 3\.11 or newer"):
        root_at(tmp_path, print)


def test_a_root_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "usr/bin").mkdir(parents=True)
    (tmp_path / "usr/bin/python3.11").symlink_to(Path(sys.executable).resolve())
    with pytest.raises(EmulationError, match=r"no arm64 program, so .* is the root of another architecture"):
        root_at(tmp_path, print)


def test_missing_tools_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EmulationError, match="apt-get install qemu-user-static"):
        Machine(Root(tmp_path, tmp_path, tmp_path, tmp_path))
    with pytest.raises(EmulationError, match=r"apt-get and dpkg-deb are not on this machine.*--root"):
        unpack_system(tmp_path / "root")
    assert not (tmp_path / "root").exists()


@pytest.mark.parametrize(
    ("architecture", "processor", "sample", "sentence"),
    [
        ("riscv64", "cortex-a53", 4, "no architecture 'riscv64' to verify on; expected arm64"),
        ("arm64", "a99", 4, "no processor 'a99'"),
        ("arm64", "cortex-a53", 0, "0 texts to classify were asked for"),
    ],
)
def test_requests_that_cannot_be_followed(
    finished: Path, architecture: str, processor: str, sample: int, sentence: str
) -> None:
    request = EmulationRequest(architecture, None, (processor,), sample)
    with pytest.raises(RecipeError, match=sentence):
        verify_emulated(Edition.load(finished), finished, None, request, Silent())


def test_options_of_the_emulation_alone(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pocketformer", "verify", str(tmp_path), "--cpu", "cortex-a53"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "add --arch arm64" in done.stderr


def test_verdicts_come_back_from_edition_json(finished: Path) -> None:
    edition = Edition.load(finished)
    verdict = judged(_LOGITS)
    entry = edition.files[0].model_copy(update={"processors": (verdict,)})
    again = type(entry).model_validate_json(entry.model_dump_json())
    assert again.processors == (verdict,)
    assert json.loads(entry.model_dump_json())["processors"][0]["processor"] == "cortex-a53"
