"""Keeping the weights behind a norm what they are while a program is converted.

The converter multiplies a norm's gain into the weights that read its output. They would then lie on no plan's
grid, and runtimes would quantise other activations than training did. It only does so where gain and bias are
one row that is broadcast; given a row for each token they stay, and equal rows are stored once afterwards
(`constants.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from torch import Tensor, nn

if TYPE_CHECKING:
    from pocketformer.program import Program

__all__ = ["separate_norms"]


@contextmanager
def separate_norms(program: Program) -> Iterator[None]:
    """Have the norms of a program keep their gain and bias to themselves inside the block."""
    changed: list[nn.Module] = []
    for signature in program.signatures:
        for module in signature.module.modules():
            forward = _separate(module)
            if forward is not None and "forward" not in vars(module):
                module.forward = forward
                changed.append(module)
    try:
        yield
    finally:
        for module in changed:
            del module.forward


def _separate(module: nn.Module) -> Callable[[Tensor], Tensor] | None:
    """Return what computes a norm with a bias for each token; None for what is no norm with a bias."""
    if isinstance(module, nn.LayerNorm) and module.bias is not None and len(module.normalized_shape) == 1:
        return partial(_layer_norm, module)
    return None


def _layer_norm(module: nn.LayerNorm, states: Tensor) -> Tensor:
    normal = nn.functional.layer_norm(states, module.normalized_shape, None, None, module.eps)
    return normal * module.weight + module.bias.expand(states.shape).clone()
