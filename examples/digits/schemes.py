"""The ways to make the network small, each a row of the table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from clusters import SharedCodes

from pocketformer.plan import Plan, WeightFormat
from pocketformer.train.constraints import Constraint, Constraints, QuantizationAware, Sparsity

_INT8, _INT6, _INT4 = Plan.named("int8"), Plan.named("w6-e8-a8"), Plan.named("w4-e8-a8")
_LAST = "4"  # the last layer of `nn.Sequential`: 320 weights that tell ten digits apart


@dataclass(frozen=True, slots=True)
class Scheme:
    """One way.

    Attributes:
        name: In the table.
        file: Stem of the file.
        plan: Which layer gets which bits.
        constraint: What the weights are trained to be; None stores those of the base.
        epochs: Of MNIST's 60,000 rows.
        rate: Highest learning rate.
    """

    name: str
    file: str
    plan: Plan
    constraint: Callable[[], Constraint] | None = None
    epochs: int = 10
    rate: float = 1e-3


def _sparse(plan: Plan, share: float) -> Constraint:
    """Zeros first, then the grid, which they lie on."""
    return Constraints(Sparsity(share, end=0.5), QuantizationAware(plan))


def _very_sparse(first: float, second: float) -> Constraint:
    """Most of the zeros where most of the weights are; none among the last 320."""
    shares = {"0": first, "2": second, _LAST: 0.0}
    return Constraints(Sparsity(first, end=0.5, layers=shares), QuantizationAware(SMALLEST))


def _clusters() -> Constraint:
    # The grid of int8 changes nothing of the codes; it has the activations as the runtime has them.
    return Constraints(SharedCodes(16), QuantizationAware(_INT8))


SMALLEST = _INT4.with_layers({_LAST: WeightFormat.parse("int8")}, "w4-head8")

SCHEMES = (
    Scheme("float32", "fp32", Plan.named("fp32")),
    Scheme("int8 after training", "int8", _INT8),
    Scheme("int8, quantisation-aware", "int8-qat", _INT8, lambda: QuantizationAware(_INT8)),
    Scheme("int4, quantisation-aware", "int4-qat", _INT4, lambda: QuantizationAware(_INT4)),
    Scheme("16 clusters, int8", "clusters16", _INT8, _clusters),
    Scheme("80 % zeros, int8", "sparse80", _INT8, lambda: _sparse(_INT8, 0.8)),
    Scheme("80 % zeros, 6 bits stored as int8", "sparse80-int6", _INT6, lambda: _sparse(_INT6, 0.8)),
    Scheme("95 % zeros, int4", "sparse95", SMALLEST, lambda: _very_sparse(0.95, 0.8), 20, 2e-3),
    Scheme("smallest: 97.7 % zeros, int4", "smallest", SMALLEST, lambda: _very_sparse(0.977, 0.88), 20, 2e-3),
)
