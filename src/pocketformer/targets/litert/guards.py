"""Keeping what stands before a layer out of its weights while a program is converted.

The converter multiplies and adds what is done to a layer's input, such as a norm's gain and bias, into the
layer's weight and bias. The weight would then lie on no plan's grid, the bias would hold products of what
stood for the weight, and runtimes would quantise other activations than training did. An operation that
changes nothing stands in between, and is taken out of the converted file.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from ai_edge_litert import schema_py_generated as schema
from torch import Tensor, nn

from pocketformer.targets.litert.flatbuffer import opcode
from pocketformer.targets.litert.layers import weighted_layers

if TYPE_CHECKING:
    from pocketformer.program import Program

__all__ = ["guarded_inputs", "remove_guards"]

_LOWEST = torch.finfo(torch.float32).min  # no model holds it, and nothing lies below it


@contextmanager
def guarded_inputs(program: Program) -> Iterator[None]:
    """Have the larger of its input and the lowest number go into each layer inside the block."""
    with ExitStack() as stack:
        for _, module, kind in weighted_layers(program):
            if kind != "embedding":
                stack.callback(module.register_forward_pre_hook(_guard).remove)
        yield


def _guard(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    first, *rest = inputs
    return torch.maximum(first, torch.tensor(_LOWEST)), *rest


def remove_guards(model: Any) -> None:
    """Take the operations of `guarded_inputs` out of a file's object tree, `schema.ModelT`, in place."""
    for graph in model.subgraphs:
        sources: dict[int, int] = {}
        kept = []
        for operator in graph.operators:
            inputs = [sources.get(int(index), int(index)) for index in operator.inputs]
            operator.inputs = np.array(inputs, np.int32)
            source = _guarded(model, graph, operator)
            if source is None:
                kept.append(operator)
            else:
                sources[int(operator.outputs[0])] = source
        graph.operators = kept


def _guarded(model: Any, graph: Any, operator: Any) -> int | None:
    """Return what an operation passes on unchanged; None where it is no guard."""
    if opcode(model.operatorCodes[operator.opcodeIndex]) != schema.BuiltinOperator.MAXIMUM:
        return None
    first, second = (int(index) for index in operator.inputs)
    for source, constant in ((first, second), (second, first)):
        tensor = graph.tensors[constant]
        data = model.buffers[tensor.buffer].data
        if tensor.type == schema.TensorType.FLOAT32 and data is not None and len(data):
            values = np.asarray(data, np.uint8).view(np.float32)
            if (values == np.float32(_LOWEST)).all():
                return source
    return None
