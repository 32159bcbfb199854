"""Which operations of a PyTorch model coremltools can translate, without converting anything."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import torch

from pocketformer.quiet import without_chatter
from pocketformer.targets.contract import ModelOperation, Refusal
from pocketformer.targets.coreml.quiet import coremltools

# Python's own arithmetic on sizes, and the nodes of the graph itself.
_STRUCTURAL = ("_operator.", "getitem", "sym_size", "placeholder", "output")


def untranslatable(operations: Sequence[ModelOperation]) -> tuple[Refusal, ...]:
    """Return those of a model's operations that coremltools has no translation of.

    Operations that torch.export takes apart beforehand count as translatable.
    """
    return tuple(
        Refusal(
            operation,
            f"coremltools has no translation of {operation.name} to Core ML. "
            "Write the layer with other operations.",
        )
        for operation in operations
        if not (is_translatable(operation.name) or _is_composite(operation.name))
    )


def is_translatable(name: str) -> bool:
    """Whether coremltools' torch frontend has an operation such as "aten.layer_norm.default"."""
    if any(part in name for part in _STRUCTURAL):
        return True
    registry, canonical, functional = _frontend()
    kind = name.removeprefix("torch.ops.").replace(".", "::", 1)
    return registry.get_func(functional(canonical(kind))) is not None


def _is_composite(name: str) -> bool:
    """Whether torch.export replaces the operation by those it is made of."""
    namespace, *rest = name.removeprefix("torch.ops.").split(".")
    operation = getattr(torch.ops, namespace, None)
    for part in rest:
        operation = getattr(operation, part, None)
    if isinstance(operation, torch._ops.OpOverloadPacket):
        operation = getattr(operation, "default", None)
    return isinstance(operation, torch._ops.OpOverload) and bool(
        operation.has_kernel_for_dispatch_key(torch._C.DispatchKey.CompositeImplicitAutograd)
    )


@cache
def _frontend() -> tuple[Any, Any, Any]:
    """Return coremltools' registry, and how it spells the name of an operation."""
    coremltools()
    with without_chatter():
        from coremltools.converters.mil.frontend.torch.torch_op_registry import _TORCH_OPS_REGISTRY
        from coremltools.converters.mil.frontend.torch.utils import (
            sanitize_op_kind,
            unify_inplace_and_functional,
        )
    return _TORCH_OPS_REGISTRY, sanitize_op_kind, unify_inplace_and_functional
