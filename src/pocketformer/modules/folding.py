"""Batch norms folded into the layer before them, as converters do: what is planned is what is stored.

Method: Jacob et al., 2018, "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference", section 3.2.
"""

from __future__ import annotations

from collections import Counter

import torch
from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d)


def fold_norms(module: nn.Module) -> nn.Module:
    """Fold each batch norm that follows a convolution or linear layer into it, in place.

    Do it before training on a plan's grid, so that the weights on the grid are those of the file. A module
    whose `forward` cannot be followed, or a layer that is used twice, is left as it is.

    Args:
        module: In evaluation mode.

    Returns:
        The same module; a folded norm has become `nn.Identity`.
    """
    if not any(isinstance(part, _NORMS) for part in module.modules()):
        return module
    try:
        graph = fx.Tracer().trace(module)
    except (fx.proxy.TraceError, TypeError, RuntimeError, ValueError, AttributeError, NotImplementedError):
        return module  # `forward` depends on values: its norms stay operations of their own
    calls = Counter(str(node.target) for node in graph.nodes if node.op == "call_module")
    for node in graph.nodes:
        if node.op != "call_module" or calls[str(node.target)] > 1 or not node.args:
            continue
        before = node.args[0]
        if not isinstance(before, fx.Node) or before.op != "call_module" or len(before.users) > 1:
            continue
        if calls[str(before.target)] == 1:
            _fold(module, str(before.target), str(node.target))
    return module


def _fold(module: nn.Module, layer_name: str, norm_name: str) -> None:
    layer, norm = module.get_submodule(layer_name), module.get_submodule(norm_name)
    if not isinstance(norm, _NORMS) or norm.training or norm.running_mean is None:
        return
    with torch.no_grad():
        if isinstance(layer, _CONVOLUTIONS):
            module.set_submodule(layer_name, fuse_conv_bn_eval(layer, norm))
        elif isinstance(layer, nn.Linear):
            module.set_submodule(layer_name, fuse_linear_bn_eval(layer, norm))
        else:
            return
    module.set_submodule(norm_name, nn.Identity())
