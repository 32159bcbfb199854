"""One case and more for every operation the evaluator runs: how to build it, and what torch makes of it.

A case's inputs come in each of its dtypes where they are floats, and as they are where they are integers. The
reference gets torch tensors, floats as float32, and computes in float32: what the program calls float16 is
then rounded once.

    from mil_cases import CASES
"""

from mil_cases import elementwise, indexing, layers, reductions, shapes
from mil_cases.case import CASES, Case

__all__ = ["CASES", "Case", "elementwise", "indexing", "layers", "reductions", "shapes"]
