"""Weights rounded one column after the other, the error of each made good by those after it (GPTQ).

Frantar et al., "GPTQ: Accurate Post-Training Quantization for Generative Pre-trained Transformers" (2022):
what counts is the error of a layer's outputs on real inputs, not of its weights. Scales are fixed before,
from the weights as they were; columns go by the size of their inputs, the largest first.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from pocketformer.errors import RecipeError
from pocketformer.plan.activations import simulated
from pocketformer.plan.baking import on_grid, require_layers
from pocketformer.plan.formats import WeightFormat
from pocketformer.plan.grid import CLIPPED_BITS, scales_of
from pocketformer.plan.layers import weighted_modules
from pocketformer.plan.plan import Plan

__all__ = ["apply_gptq", "rounded_by_inputs"]

_DAMPING = 0.01  # share of the mean input power added to each, so that the system can be solved
_COLUMNS = 128  # whose errors are handed on together


def apply_gptq(
    module: nn.Module, plan: Plan, batch: Mapping[str, Tensor], mask: Tensor | None = None
) -> None:
    """Put the weights of a module on the plan's grid, in place, by what its linear layers see.

    The module runs once, in eval mode: each layer is rounded the moment its inputs come by, so that they are
    those of a module whose earlier layers are rounded already. `bake` changes nothing afterwards. Palettes,
    convolutions and embeddings are rounded by their weights alone.

    Args:
        module: Called with `batch`; linear layers that are not used keep no place on the grid but the
            nearest.
        plan: Its formats and activations count, whatever its rounding is.
        batch: Some hundred texts, by name of the module's arguments.
        mask: 1 for tokens that count, 0 for padding, `[batch, length]`.

    Raises:
        RecipeError: The plan does not fit the module, or the inputs of a layer are not finite.
    """
    require_layers(module, plan)
    by_weight = plan.model_copy(update={"rounding": "clipped"})
    was_training = module.training
    module.eval()
    with torch.no_grad(), simulated(module, plan), ExitStack() as stack:
        stack.callback(module.train, was_training)
        waiting: dict[str, nn.Linear] = {}
        for name, part, kind in weighted_modules(module):
            into = plan.format_of(name, part.weight.shape, kind == "embedding")
            if isinstance(part, nn.Linear) and into.kind == "integer":
                waiting[name] = part
                hook = partial(_round_layer, name, into, mask, waiting)
                stack.callback(part.register_forward_pre_hook(hook).remove)
            else:
                part.weight.copy_(on_grid(part.weight, into, by_weight, name))
        module(**batch)
        for name, part in waiting.items():  # not reached by this batch
            part.weight.copy_(on_grid(part.weight, plan.format_of(name, part.weight.shape), by_weight, name))


def rounded_by_inputs(weight: Tensor, into: WeightFormat, inputs: Tensor) -> Tensor:
    """Return a weight on the grid of its format with little error of `inputs @ weight.T`.

    The largest number of each row or block keeps the largest code, so that the codes can be told from the
    weight.

    Args:
        weight: float32 `[outputs, inputs]`.
        into: An integer format that it divides into.
        inputs: float32 `[tokens, inputs]`.
    """
    outputs, columns = weight.shape
    blocks = weight.reshape(outputs, -1, into.size or columns)
    scales = scales_of(blocks, into.highest, clipped=into.bits <= CLIPPED_BITS).expand_as(blocks)
    largest = torch.zeros_like(blocks, dtype=torch.bool)
    largest.scatter_(2, blocks.abs().argmax(dim=2, keepdim=True), True)

    power = (inputs.T @ inputs).double()
    order = power.diagonal().argsort(descending=True)
    handed_on = _handed_on(power[order][:, order]).to(weight.dtype)
    rest = weight[:, order].clone()
    scales, largest = (part.reshape(outputs, columns)[:, order] for part in (scales, largest))
    codes = torch.empty_like(rest)
    for start in range(0, columns, _COLUMNS):
        part = slice(start, min(start + _COLUMNS, columns))
        errors = _round_columns(
            rest[:, part], scales[:, part], largest[:, part], handed_on[part, part], codes[:, part], into
        )
        rest[:, part.stop :] -= errors @ handed_on[part, part.stop :]
    return (codes * scales)[:, order.argsort()]


def _round_layer(
    name: str,
    into: WeightFormat,
    mask: Tensor | None,
    waiting: dict[str, nn.Linear],
    module: nn.Module,
    given: tuple[Any, ...],
) -> None:
    """Round a layer's weight by the inputs that are about to go through it, the first time they do."""
    if (layer := waiting.pop(name, None)) is None:
        return
    states: Tensor = given[0]
    counts = mask is not None and states.shape[:-1] == mask.shape
    inputs = states[mask.bool()] if counts and mask is not None else states.reshape(-1, states.shape[-1])
    if not torch.isfinite(inputs.square().sum()):
        raise RecipeError(f"The inputs of the layer {name!r} are not finite; try other calibration texts.")
    layer.weight.copy_(rounded_by_inputs(layer.weight.float(), into, inputs.float()))


def _handed_on(power: Tensor) -> Tensor:
    """Return the upper Cholesky factor of the inverse of the inputs' second moments, `[inputs, inputs]`."""
    diagonal = power.diagonal()
    mean = diagonal.mean()
    diagonal.add_(_DAMPING * (mean if mean > 0 else 1.0))
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(power))
    factor: Tensor = torch.linalg.cholesky(inverse, upper=True)
    return factor


def _round_columns(
    rest: Tensor, scales: Tensor, largest: Tensor, handed_on: Tensor, codes: Tensor, into: WeightFormat
) -> Tensor:
    """Fill in the codes of some columns; return their errors `[outputs, columns]` for the others."""
    errors = torch.empty_like(rest)
    for at in range(rest.shape[1]):
        column = rest[:, at]
        found = (column / scales[:, at]).round_().clamp_(-into.highest, into.highest)
        kept = torch.where(column < 0, -into.highest, into.highest).to(found.dtype)
        codes[:, at] = torch.where(largest[:, at], kept, found)
        errors[:, at] = (column - codes[:, at] * scales[:, at]) / handed_on[at, at]
        rest[:, at + 1 :] -= errors[:, at : at + 1] * handed_on[at, at + 1 :]
    return errors
