"""Every value a PyTorch model computes, operation by operation, and the layer that computes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

__all__ = ["Operation", "watch"]


class Operation:
    """One operation as it ran.

    Attributes:
        layer: Path of the innermost layer it ran in, as in `model.named_modules()`; "" outside of all.
        name: As in "aten.addmm".
        taken: The tensors it took.
        given: The tensors it gave.
        constants: The float numbers among its arguments.
    """

    def __init__(self, layer: str, function: Any, arguments: Any, results: Any) -> None:
        self.layer = layer
        self.name = str(function).removesuffix(f".{function._overloadname}")
        leaves = tree_leaves(arguments)
        self.taken = [leaf for leaf in leaves if isinstance(leaf, Tensor)]
        self.given = [leaf for leaf in tree_leaves(results) if isinstance(leaf, Tensor)]
        self.constants = [leaf for leaf in leaves if isinstance(leaf, float)]

    @property
    def inputs(self) -> list[Tensor]:
        """The floating-point tensors it took."""
        return [tensor for tensor in self.taken if _is_float(tensor)]

    @property
    def outputs(self) -> list[Tensor]:
        """The floating-point tensors it gave."""
        return [tensor for tensor in self.given if _is_float(tensor)]


@contextmanager
def watch(
    model: nn.Module, see: Callable[[Operation], None], leave: Callable[[str, Any], None] | None = None
) -> Iterator[None]:
    """Call `see` with each operation that runs inside the block.

    Operations are those that remain after PyTorch has taken its composite ones apart; the fused attention
    shows no scores, so a model is best given plain attention first.

    Args:
        model: Its `named_modules()` name the layers.
        see: Called in the order of the operations.
        leave: Called with the name and the output of each layer when it is done.
    """
    running: list[str] = []
    with ExitStack() as stack:
        for name, module in model.named_modules():
            stack.callback(module.register_forward_pre_hook(_entering(running, name)).remove)
            stack.callback(module.register_forward_hook(_leaving(running, leave), always_call=True).remove)
        # Inference mode would hand over composite operations whole.
        stack.enter_context(torch.no_grad())
        stack.enter_context(_Watch(running, see))
        yield


class _Watch(TorchDispatchMode):
    def __init__(self, running: list[str], see: Callable[[Operation], None]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch gives it no types
        self._running = running
        self._see = see

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        results = func(*args, **(kwargs or {}))
        layer = self._running[-1] if self._running else ""
        self._see(Operation(layer, func, (args, kwargs or {}), results))
        return results


def _entering(running: list[str], name: str) -> Callable[..., None]:
    def enter(module: nn.Module, inputs: Any) -> None:
        running.append(name)

    return enter


def _leaving(running: list[str], told: Callable[[str, Any], None] | None) -> Callable[..., None]:
    def leave(module: nn.Module, inputs: Any, output: Any) -> None:
        name = running.pop()
        if told is not None:
            told(name, output)

    return leave


def _is_float(tensor: Tensor) -> bool:
    return tensor.is_floating_point() and tensor.numel() > 0
