"""Activations as a runtime quantises them: int8 for each token alone, by XNNPACK's rule, in PyTorch.

Verified against LiteRT files of one layer: no code differs. The range of a token always holds zero, and
takes 255 steps; the zero point is the code nearest to zero at the end that is the better held.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from pocketformer.plan.layers import planned_layers
from pocketformer.plan.plan import Plan

__all__ = ["attach_activations", "per_token", "simulated"]

_LOWEST, _HIGHEST = -128.0, 127.0


@contextmanager
def simulated(module: nn.Module, plan: Plan) -> Iterator[None]:
    """Have a module compute as a file of the plan does, for as long as the block runs.

    Its weights are left as they are: `bake` them first. Where the plan leaves activations float, nothing
    changes.

    Args:
        module: Any; the inputs of its linear layers with integer weights are quantised.
        plan: Says which those are.
    """
    handles = attach_activations(module, plan)
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def attach_activations(module: nn.Module, plan: Plan) -> list[RemovableHandle]:
    """Quantise the inputs of linear layers with integer weights, until the handles are removed."""
    if plan.activations == "float":
        return []
    return [
        module.get_submodule(layer.name).register_forward_pre_hook(_quantise_input)
        for layer in planned_layers(module, plan)
        if layer.kind == "linear" and layer.format.kind == "integer"
    ]


def per_token(states: Tensor) -> Tensor:
    """Return states `[..., hidden]` as int8 holds them, each token alone; gradients pass straight through.

    Args:
        states: Finite numbers of any float type, which the result has too.
    """
    result: Tensor = _PerToken.apply(states)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    return result


def _quantise_input(module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    return per_token(inputs[0]), *inputs[1:]


class _PerToken(torch.autograd.Function):
    """Quantises and dequantises; backwards, it is not there (the straight-through estimator)."""

    @staticmethod
    def forward(ctx: Any, states: Tensor) -> Tensor:
        exact = states.float()
        low, high = torch.aminmax(exact, dim=-1, keepdim=True)
        low, high = low.clamp(max=0.0), high.clamp(min=0.0)
        span = high - low
        steps = span.new_tensor(_HIGHEST - _LOWEST)  # a number / a tensor would multiply by the reciprocal
        factor = steps / span
        factor = torch.where(factor.isfinite(), factor, 1.0)  # a range too narrow for float32 is all zero
        at_low, at_high = _LOWEST + low * factor, _HIGHEST + high * factor
        zero = torch.where(at_low + at_high > 0, _LOWEST - low * factor, _HIGHEST - high * factor)
        zero = zero.clamp_(_LOWEST, _HIGHEST).round_()
        codes = (exact * factor).round_()
        codes = torch.minimum(torch.maximum(codes, _LOWEST - zero), _HIGHEST - zero)
        return codes.mul_(factor.reciprocal_()).to(states.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0]
