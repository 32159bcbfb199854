"""Whose fault a difference is: the file's, or of the kernels for a processor and their emulation."""

from __future__ import annotations

from pathlib import Path

from pocketformer.checks.emulation.answers import Answers
from pocketformer.checks.emulation.comparing import Expected, differences, is_near
from pocketformer.checks.emulation.machine import Machine, answers_here
from pocketformer.checks.emulation.processors import Processor
from pocketformer.plan import Plan

__all__ = ["blame"]

_CLASSIFIED = (True,)


def blame(
    machine: Machine,
    processor: Processor,
    path: Path,
    plan: Plan,
    expected: Expected,
    here: Answers,
    there: Answers,
) -> str:
    """Return a sentence on whose fault a miss is: run one text without XNNPACK, here and there.

    XNNPACK's kernels are the only ones that are written for a processor's own instructions; the runtime's
    portable kernels are the same C++ everywhere. A file that is right by those holds the right numbers.

    Args:
        machine: An emulated machine, on which the file missed a limit.
        processor: Its processor.
        path: The file.
        plan: Of the file.
        expected: The texts; the shortest one that is classified is run, as portable kernels are slow.
        here: This machine's answers.
        there: The emulated processor's.
    """
    if there.ids == here.ids and is_near(plan, here, there):
        return (
            "This machine gives the same: the error is the file's own; `pocketformer verify` names the layer."
        )
    compared = [text for text, asked in zip(expected.texts, expected.classified, strict=True) if asked]
    text = (min((one for one in compared if one), key=len, default=compared[0]),)
    here = answers_here(path, text, _CLASSIFIED, plain=True)
    there = machine.answers(processor, path, text, _CLASSIFIED, plain=True)
    largest = float(differences(there.values, here.values).max())
    if there.ids == here.ids and is_near(plan, here, there):
        return (
            "Without XNNPACK, whose kernels are chosen by processor, both give the same for one of the texts "
            f"(largest difference {largest:.2g}). So the file is right: the fault is in the kernels for "
            f"{processor.name}, or in how {machine.emulator} runs their instructions. Another QEMU, or a "
            "phone, tells these two apart."
        )
    return (
        "Without XNNPACK, whose kernels are chosen by processor, the difference stays "
        f"({largest:.2g} for one of the texts): it comes from the file's own operations, or from how "
        f"{machine.emulator} computes plain numbers."
    )
