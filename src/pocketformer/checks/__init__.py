"""Checks: does the saved file do what the PyTorch model does?"""

from pocketformer.checks.feasibility import Feasibility, check_checkpoint
from pocketformer.checks.golden import GOLDEN_FILE, Golden
from pocketformer.checks.golden_checking import GoldenMiss, check_golden
from pocketformer.checks.golden_making import make_golden
from pocketformer.checks.layers import LayerCurve, layer_errors
from pocketformer.checks.mistakes import Mistake, hardest_mistakes
from pocketformer.checks.outputs import Outputs, run_file
from pocketformer.checks.parity import Parity, compare
from pocketformer.checks.plans import computes_in_half, plan_of
from pocketformer.checks.reference import Reference
from pocketformer.checks.samples import SAMPLE_TEXTS
from pocketformer.checks.tolerances import TOLERANCES, Tolerance, tolerance_for
from pocketformer.checks.value_range import ValueRange, value_range
from pocketformer.checks.verdict import REJECTED_SUFFIX, Verdict, judge, judge_encoder

__all__ = [
    "GOLDEN_FILE",
    "REJECTED_SUFFIX",
    "SAMPLE_TEXTS",
    "TOLERANCES",
    "Feasibility",
    "Golden",
    "GoldenMiss",
    "LayerCurve",
    "Mistake",
    "Outputs",
    "Parity",
    "Reference",
    "Tolerance",
    "ValueRange",
    "Verdict",
    "check_checkpoint",
    "check_golden",
    "compare",
    "computes_in_half",
    "hardest_mistakes",
    "judge",
    "judge_encoder",
    "layer_errors",
    "make_golden",
    "plan_of",
    "run_file",
    "tolerance_for",
    "value_range",
]
