"""LiteRT files on emulated arm64 processors, for real: QEMU, a Debian root, and the wheels for arm64.

What is missing on a machine skips these tests, and fails them where POCKETFORMER_REQUIRE_TOOLS is 1.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import pocketformer
from pocketformer import pipeline
from pocketformer.checks import GOLDEN_FILE, Golden, plan_of
from pocketformer.checks.emulation import (
    DEFAULT_PROCESSORS,
    PROCESSORS,
    Expected,
    Machine,
    Processor,
    answers_here,
    cached_root,
    compare_answers,
    processor_named,
    root_at,
)
from pocketformer.checks.emulation.blame import blame
from pocketformer.checks.emulation.root import Root
from pocketformer.cli import main
from pocketformer.data import read_labeled_texts
from pocketformer.edition import Edition
from pocketformer.errors import EmulationError, VerificationError
from pocketformer.pipeline import EmulationRequest, Silent, verify_emulated

pytestmark = pytest.mark.slow

_TEXTS = (b"where is my card", b"hello world", "na\u00efve caf\u00e9 9!".encode(), b"", b"please " * 15)


@pytest.fixture(scope="session")
def root() -> Root:
    """Return the arm64 Linux of the user's cache, made there the first time."""
    try:
        found = cached_root(print)
        Machine(found)
    except EmulationError as error:
        if os.environ.get("POCKETFORMER_REQUIRE_TOOLS") == "1":
            raise
        pytest.skip(str(error))
    return found


def expected_of(path: Path) -> Expected:
    """Return texts that are all classified, expected to be what the file gives here."""
    here = answers_here(path, _TEXTS, (True,) * len(_TEXTS))
    return Expected(_TEXTS, (True,) * len(_TEXTS), here.ids, here.values, encoder=False, labelled=True)


def test_an_edition_is_the_same_on_phones_processors(
    root: Root, dist: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["pocketformer", "verify", str(dist), "--arch", "arm64", "--sample", "5", "--json"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as stopped:
            main()
    shown = capsys.readouterr()
    assert stopped.value.code in (0, None), shown.err
    told = json.loads(shown.out)
    edition = Edition.load(dist)
    files = {entry.file: entry for entry in edition.files if entry.format == "litert"}
    assert set(told) == set(files)
    cases = Golden.load(dist / GOLDEN_FILE).cases
    for name, entry in files.items():
        found = {verdict.processor: verdict for verdict in entry.processors}
        assert tuple(found) == DEFAULT_PROCESSORS
        for verdict in found.values():
            assert verdict.passed, verdict.misses
            assert (verdict.texts, verdict.token_mismatches) == (len(cases), 0)
            assert (verdict.classified, verdict.labels_equal) == (5, 5)
            assert verdict.max_difference < (0.05 if "int8" in name else 1e-4)
            assert verdict.emulator.startswith("qemu-aarch64 ")
        assert "dotprod" not in found["cortex-a53"].features
        assert "dotprod" in found["cortex-a76"].features
        assert "i8mm" not in found["cortex-a76"].features
        assert {"i8mm", "sve2"} <= set(found["armv9"].features)
        assert "sme" not in found["armv9"].features
    # Proving the files again keeps what was found of the same bytes.
    again = pipeline.verify_edition(edition, dist, None, Silent())
    assert {entry.file: entry.processors for entry in again.files if entry.processors} == {
        name: entry.processors for name, entry in files.items()
    }


def test_an_edition_that_is_not_what_pytorch_says_is_refused(root: Root, dist: Path) -> None:
    golden = Golden.load(dist / GOLDEN_FILE)
    first = golden.cases[0]
    assert first.logits is not None
    wrong = first.model_copy(update={"logits": tuple(-9.0 * logit for logit in first.logits)})
    golden.model_copy(update={"cases": (wrong, *golden.cases[1:])}).save(dist / GOLDEN_FILE)
    name = next(entry.file for entry in Edition.load(dist).files if entry.format == "litert")
    request = EmulationRequest("arm64", None, ("cortex-a76",), 1, (name,))
    with pytest.raises(VerificationError, match=r"difference to PyTorch is .*the error is the file's own"):
        verify_emulated(Edition.load(dist), dist, None, request, Silent())
    entry = next(one for one in Edition.load(dist).files if one.file == name)
    assert not entry.processors[0].passed
    assert (dist / name).is_file()


def test_labelled_rows_instead_of_golden_texts(root: Root, dist: Path, recipe_path: Path) -> None:
    edition = Edition.load(dist)
    rows, _ = read_labeled_texts(recipe_path.with_name("test.csv"), labels=edition.labels)
    name = next(entry.file for entry in edition.files if entry.file.endswith(".int8.tflite"))
    request = EmulationRequest("arm64", None, ("armv9",), 2, (name,))
    edition = verify_emulated(edition, dist, rows, request, Silent())
    (verdict,) = next(entry.processors for entry in edition.files if entry.file == name)
    assert (verdict.texts, verdict.token_mismatches) == (len(rows), 0)
    assert (verdict.classified, verdict.labels_equal) == (2, 2)


def test_an_error_of_the_emulator_is_told_from_one_of_the_file(root: Root, finished: Path) -> None:
    machine = Machine(root)
    if not machine.emulator.startswith("qemu-aarch64 7.2"):
        pytest.skip(f"only QEMU 7.2 is known to multiply int8 wrongly in SME; this is {machine.emulator}")
    path = next(finished.glob("*.int8.tflite"))
    plan, expected = plan_of(pocketformer.open(path).card), expected_of(path)
    here = answers_here(path, _TEXTS, expected.classified)
    with_sme = Processor("with-sme", "max", 0xD48, PROCESSORS[-1].features, "")
    there = machine.answers(with_sme, path, _TEXTS, expected.classified)
    assert "sme" in there.features
    verdict = compare_answers(plan, expected, here, there, with_sme, machine.emulator)
    assert any("mean relative difference to this machine" in miss for miss in verdict.misses)
    reason = blame(machine, with_sme, path, plan, expected, here, there)
    assert "Without XNNPACK" in reason
    assert "So the file is right" in reason


def test_portable_kernels_give_the_same_everywhere(root: Root, finished: Path) -> None:
    path = next(finished.glob("*.fp32.tflite"))
    classified = (True, False, False, False, False)
    here = answers_here(path, _TEXTS, classified, plain=True)
    there = Machine(root).answers(processor_named("cortex-a53"), path, _TEXTS, classified, plain=True)
    assert there.ids == here.ids
    assert abs(there.values - here.values).max() < 1e-5


def test_a_root_of_ones_own_is_used(root: Root, finished: Path) -> None:
    own = root_at(root.folder, print)
    assert own == root
    path = next(finished.glob("*.int8.tflite"))
    answers = Machine(own).answers(processor_named("cortex-a76"), path, _TEXTS[:1], (True,))
    assert len(answers.ids) == 1


def test_a_program_that_ends_early_is_a_sentence(root: Root, tmp_path: Path) -> None:
    broken = tmp_path / "broken.int8.tflite"
    broken.write_bytes(b"no model at all")
    with pytest.raises(
        EmulationError, match=r"The program in qemu-aarch64 .* ended with exit code 1: .*broken"
    ):
        Machine(root).answers(processor_named("cortex-a76"), broken, _TEXTS[:1], (True,))
    unknown = replace(processor_named("cortex-a76"), option="cortex-z1")
    with pytest.raises(EmulationError, match="cortex-z1"):
        Machine(root).answers(unknown, broken, _TEXTS[:1], (True,))
