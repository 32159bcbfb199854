"""From PyTorch's operations to ONNX's: our own translations, and which operations have none at all."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from onnxscript import opset18

from pocketformer.targets.contract import ModelOperation, Refusal
from pocketformer.targets.onnx.opsets import EXPORTED_OPSET

# Passed by the exporter or decomposed by torch.export, whatever a registry says.
_STRUCTURAL = ("_operator.", "getitem", "sym_size", "aten.lift_fresh", "aten.detach")


def _gather(table: Any, dim: int, index: Any) -> Any:
    """One Gather; the stock translation reshapes around it."""
    return opset18.Gather(table, index, axis=dim)


#: Translations of our own, for `torch.onnx.export(custom_translation_table=…)`.
TRANSLATIONS: dict[Callable[..., Any], Callable[..., Any]] = {torch.ops.aten.index_select.default: _gather}


def untranslatable(operations: Sequence[ModelOperation]) -> tuple[Refusal, ...]:
    """Return those of a model's operations that torch.onnx can neither translate nor take apart."""
    return tuple(
        Refusal(
            operation,
            f"torch.onnx has no translation of {operation.name} to ONNX opset {EXPORTED_OPSET}. "
            "Write the layer with other operations.",
        )
        for operation in operations
        if not _is_translatable(operation.name)
    )


def _is_translatable(name: str) -> bool:
    if any(part in name for part in _STRUCTURAL):
        return True
    overload = _overload(name)
    if overload is None:
        return False
    known, taken_apart = _registry()
    return overload in known or overload in taken_apart or overload in TRANSLATIONS or _is_composite(overload)


def _overload(name: str) -> Any:
    """Return the operation called `name`, such as "aten.layer_norm.default"; None when there is none."""
    namespace, *rest = name.removeprefix("torch.ops.").split(".")
    operation = getattr(torch.ops, namespace)
    for part in rest or ["default"]:
        operation = getattr(operation, part, None)
    if isinstance(operation, torch._ops.OpOverloadPacket):
        operation = getattr(operation, "default", None)
    return operation if isinstance(operation, torch._ops.OpOverload) else None


def _is_composite(overload: Any) -> bool:
    """Whether torch.export replaces the operation by those it is made of."""
    return bool(overload.has_kernel_for_dispatch_key(torch._C.DispatchKey.CompositeImplicitAutograd))


@cache
def _registry() -> tuple[frozenset[Any], frozenset[Any]]:
    """Return the operations with a translation, and those that torch.export takes apart before."""
    # torch.onnx shows its registry in no public place.
    from torch.onnx._internal.exporter import _decomp, _registration

    previous = logging.root.manager.disable
    logging.disable(logging.WARNING)  # it warns of torchvision's operations where that is not installed
    try:
        registry = _registration.ONNXRegistry.from_torchlib(opset_version=EXPORTED_OPSET)
    finally:
        logging.disable(previous)
    known = set(_decomp.get_onnx_implemented_overloads(registry))
    return frozenset(known), frozenset(_decomp.create_onnx_friendly_decomposition_table(known))
