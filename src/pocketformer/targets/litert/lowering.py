"""Which operations of a PyTorch model litert-torch can write, without converting anything."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from typing import Any

import torch

from pocketformer.quiet import without_chatter
from pocketformer.targets.contract import ModelOperation, Refusal

# Python's own arithmetic on sizes, and the nodes of the graph itself: no operation of the file.
_STRUCTURAL = ("_operator.", "getitem", "sym_size", "placeholder", "output")


def unlowerable(operations: Sequence[ModelOperation]) -> tuple[Refusal, ...]:
    """Return those of a model's operations that litert-torch neither lowers nor takes apart.

    An operation that PyTorch takes apart counts as writable: give the operations of an exported program
    after `run_decompositions()` to see those that it is made of.
    """
    reasons = ((operation, _reason(operation.name)) for operation in operations)
    return tuple(Refusal(operation, reason) for operation, reason in reasons if reason is not None)


def _reason(name: str) -> str | None:
    if any(part in name for part in _STRUCTURAL):
        return None
    overload = _overload(name)
    if overload is None or not _is_lowered(overload):
        return f"litert-torch has no lowering of {name} to TFLite. Write the layer with other operations."
    if torch.Tag.dynamic_output_shape in overload.tags:
        return (
            f"The shape that {name} returns depends on values, and a TFLite signature has fixed shapes. "
            "Mask with torch.where instead of selecting."
        )
    return None


def _is_lowered(overload: Any) -> bool:
    lookup, taken_apart = _registry()
    return lookup(overload) is not None or overload in taken_apart


def _overload(name: str) -> Any:
    """Return the operation called `name`, such as "aten.layer_norm.default"; None when there is none."""
    namespace, *rest = name.removeprefix("torch.ops.").split(".")
    operation = getattr(torch.ops, namespace, None)
    for part in rest:
        operation = getattr(operation, part, None)
    if isinstance(operation, torch._ops.OpOverloadPacket):
        operation = getattr(operation, "default", None)
    return operation if isinstance(operation, torch._ops.OpOverload) else None


@cache
def _registry() -> tuple[Any, frozenset[Any]]:
    """Return the look-up of a lowering, and the operations that are taken apart before it."""
    os.environ.setdefault("LITERT_TORCH_SHOW_PROGRESS", "n")
    with without_chatter():
        from litert_torch import fx_infra
        from litert_torch.backend.lowerings import registry

    return registry.lookup, frozenset(fx_infra.decomp.pre_lower_decomp())
