"""What weights have to be while they are trained: on a plan's grid, sparse, of a few values.

    constraint = QuantizationAware(Plan.named("int4"))
    constraint.attach(model)                 # before the optimizer is made
    for step, batch in enumerate(batches):
        constraint.advance(step / len(batches))
        ...                                  # forward, backward, optimizer.step()
    constraint.bake(model)                   # ordinary weights, which satisfy it

A trained weight stays as exact as ever and has its ordinary optimizer; what layers compute with, in training
and in evaluation, is what the constraint makes of it (torch.nn.utils.parametrize).
"""

from __future__ import annotations

from pocketformer.train.constraints.clusters import ClusterRule, Clusters
from pocketformer.train.constraints.constraint import Constraint, Constraints
from pocketformer.train.constraints.quantization import QuantizationAware
from pocketformer.train.constraints.rules import GridRule, PaletteRule
from pocketformer.train.constraints.sparsity import Sparsity, share_of_zeros
from pocketformer.train.constraints.weights import WeightConstraint, WeightRule, straight_through

__all__ = [
    "ClusterRule",
    "Clusters",
    "Constraint",
    "Constraints",
    "GridRule",
    "PaletteRule",
    "QuantizationAware",
    "Sparsity",
    "WeightConstraint",
    "WeightRule",
    "share_of_zeros",
    "straight_through",
]
