"""Checks: does the saved file do what the PyTorch model does?"""

from pocketformer.checks.mistakes import Mistake, hardest_mistakes
from pocketformer.checks.outputs import Outputs, run_file
from pocketformer.checks.parity import Parity, compare
from pocketformer.checks.reference import Reference
from pocketformer.checks.samples import SAMPLE_TEXTS
from pocketformer.checks.tolerances import TOLERANCES, Tolerance, tolerance_for
from pocketformer.checks.verdict import REJECTED_SUFFIX, Verdict, judge, judge_encoder

__all__ = [
    "REJECTED_SUFFIX",
    "SAMPLE_TEXTS",
    "TOLERANCES",
    "Mistake",
    "Outputs",
    "Parity",
    "Reference",
    "Tolerance",
    "Verdict",
    "compare",
    "hardest_mistakes",
    "judge",
    "judge_encoder",
    "run_file",
    "tolerance_for",
]
