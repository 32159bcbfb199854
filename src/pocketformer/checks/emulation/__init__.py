"""Running a file on processors that this machine does not have: phones' arm64, emulated by QEMU."""

from pocketformer.checks.emulation.answers import Answers
from pocketformer.checks.emulation.comparing import Expected, compare_answers
from pocketformer.checks.emulation.machine import FORMAT, Machine, answers_here
from pocketformer.checks.emulation.processors import (
    DEFAULT_PROCESSORS,
    PROCESSORS,
    Processor,
    processor_named,
)
from pocketformer.checks.emulation.result import ProcessorVerdict
from pocketformer.checks.emulation.root import cached_root, root_at

__all__ = [
    "DEFAULT_PROCESSORS",
    "FORMAT",
    "PROCESSORS",
    "Answers",
    "Expected",
    "Machine",
    "Processor",
    "ProcessorVerdict",
    "answers_here",
    "cached_root",
    "compare_answers",
    "processor_named",
    "root_at",
]
