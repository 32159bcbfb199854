"""Which layer of the checkpoint a weight in a graph belongs to."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import onnx_ir as ir
import torch
from torch import Tensor, nn

from pocketformer.plan import weighted_modules
from pocketformer.plan.layers import WeightedModule
from pocketformer.targets.onnx.names import layer_of

_PLACES = {"MatMul": 1, "Gemm": 1, "Conv": 1, "Gather": 0}


@dataclass(frozen=True, slots=True, eq=False)
class Owner:
    """The layer whose weight a node reads.

    Attributes:
        layer: As in `named_modules()` of the checkpoint; of another's file, the name of the stored tensor.
        read: Gives the weight [rows, columns…], a row for an output channel or token. Of a checkpoint it is
            the layer's own, whose numbers may have changed since the graph was made.
        is_embedding: Whether the layer is a table.
        transposed: Whether the node reads it as [columns, rows].
        is_own: Whether it is the layer's parameter, and not what the exporter made of it.
    """

    layer: str
    read: Callable[[], Tensor]
    is_embedding: bool
    transposed: bool
    is_own: bool


#: By name of the node that reads the weight.
Owners = dict[str, Owner]


def weights_of(graph: ir.Graph) -> Iterator[tuple[ir.Node, ir.Value]]:
    """Go through the float32 matrices of the outermost graph: the tokenizer's branches have none."""
    for node in graph:
        place = _PLACES.get(node.op_type)
        weight = None if place is None else node.inputs[place]
        if weight is None or weight.const_value is None or weight.const_value.dtype != ir.DataType.FLOAT:
            continue
        if node.op_type == "Gather" and node.attributes.get_int("axis", 0) != 0:
            continue  # not a table of rows
        if len(weight.const_value.shape) > 1:
            yield node, weight


def replace_weight(node: ir.Node, value: ir.Value) -> None:
    """Let a node read its weight from another value."""
    node.replace_input_with(_PLACES[node.op_type], value)


def owners_in(graph: ir.Graph, model: nn.Module) -> Owners:
    """Return the layers whose weights a graph made from `model` holds.

    A weight is known by its content, as it is or transposed; where layers hold the same, by the node's name.
    One that the exporter changed, as by folding a norm into it, is that of the layer in the node's name, or
    in its own.
    """
    layers = {name: (part, kind == "embedding") for name, part, kind in weighted_modules(model)}
    by_content: dict[tuple[bytes, bool], list[str]] = {}
    for name, (part, _) in layers.items():
        weight = part.weight.detach().numpy()
        for transposed in (False, True) if weight.ndim == 2 else (False,):
            content = weight.T if transposed else weight
            by_content.setdefault((_digest(content), transposed), []).append(name)
    found: Owners = {}
    for node, value in weights_of(graph):
        content, named = _content(value), layer_of(node.name or "")
        digest = _digest(content)
        is_product = node.op_type == "MatMul"
        for transposed in (is_product, not is_product):
            names = by_content.get((digest, transposed))
            if names:
                name = named if named in names else names[0]
                part, is_embedding = layers[name]
                read = partial(_weight, part)
                found[node.name or ""] = Owner(name, read, is_embedding, transposed, is_own=True)
                break
        else:
            named = next((name for name in (named, _stored_name(value)) if name in layers), "")
            if named:
                made = torch.from_numpy(np.array(content.T if is_product else content, order="C"))
                read = partial(torch.clone, made)
                found[node.name or ""] = Owner(named, read, layers[named][1], is_product, is_own=False)
    return found


def owners_of_file(graph: ir.Graph) -> Owners:
    """Return the weights of anybody's graph, each a layer by the name of its stored tensor."""
    found: Owners = {}
    names = {value.name for _, value in weights_of(graph)}
    for node, value in weights_of(graph):
        content, readers = _content(value), [reader for reader, _ in value.uses()]
        # One orientation for all that read it: a table's is that of its rows.
        transposed = content.ndim == 2 and all(_reads_columns(reader) for reader in readers)
        weight = torch.from_numpy(np.array(content.T if transposed else content, order="C"))
        short = _stored_name(value)
        name = (value.name or "") if short in names else short
        read = partial(torch.clone, weight)
        found[node.name or ""] = Owner(name, read, node.op_type == "Gather", transposed, is_own=False)
    return found


def _stored_name(value: ir.Value) -> str:
    """Return the layer in the name of a stored weight."""
    return (value.name or "").removesuffix(".weight")


def _reads_columns(node: ir.Node) -> bool:
    """Whether a product reads its matrix as [inputs, outputs]."""
    is_gemm = node.op_type == "Gemm" and node.attributes.get_int("transB", 0) == 0
    return node.op_type == "MatMul" or is_gemm


def _weight(part: WeightedModule) -> Tensor:
    return part.weight.detach()


def _content(value: ir.Value) -> np.ndarray:
    assert value.const_value is not None  # what makes it a weight
    content: np.ndarray = value.const_value.numpy()
    return content


def _digest(content: np.ndarray) -> bytes:
    """Return what tells arrays apart, by shape and content."""
    digest = hashlib.sha256(repr(content.shape).encode())
    digest.update(np.ascontiguousarray(content).data)
    return digest.digest()
