"""The weights of a TFLite file that somebody gave, as layers of PyTorch that a plan speaks of."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray
from torch import nn

from pocketformer.plan.layers import LayerKind
from pocketformer.targets.litert.places import Place, Site, held_constants
from pocketformer.targets.litert.stand_ins import StandIn

__all__ = ["given_places"]

_Operator = schema.BuiltinOperator
_KINDS: dict[int, LayerKind] = {
    _Operator.FULLY_CONNECTED: "linear",
    _Operator.EMBEDDING_LOOKUP: "embedding",
    _Operator.CONV_2D: "convolution",
    _Operator.DEPTHWISE_CONV_2D: "convolution",
}


def given_places(model: Any) -> list[Place]:
    """Return the float32 weights of a file and where they stand; what several tensors share comes once.

    Args:
        model: A file, as `schema.Model` reads it in place.
    """
    found: dict[tuple[int, int], tuple[NDArray[np.float32], list[Site]]] = {}
    for site, values in held_constants(model):
        found.setdefault((values.ctypes.data, site.operator), (values, []))[1].append(site)
    places = []
    for number, (values, sites) in enumerate(found.values()):
        first = sites[0]
        name = (model.Subgraphs(first.graph).Tensors(first.tensor).Name() or b"").decode("utf-8", "replace")
        weight = torch.from_numpy(_as_in_pytorch(values, first.operator))
        layer = _layer(_KINDS[first.operator], weight)
        made = StandIn(name or f"weight_{number}", _KINDS[first.operator], layer, number, repeated=False)
        places.append(Place(made, np.asarray(np.float32(1)), tuple(sites)))
    return places


def _as_in_pytorch(values: NDArray[np.float32], operator: int) -> NDArray[np.float32]:
    """Turn `layouts.laid_out` back: kernels become [outputs, inputs, height, width]."""
    if operator == _Operator.DEPTHWISE_CONV_2D:
        values = np.moveaxis(values, -1, 0)
    elif operator == _Operator.CONV_2D:
        values = np.moveaxis(values, -1, 1)
    return np.array(values, order="C")


def _layer(kind: LayerKind, weight: torch.Tensor) -> nn.Linear | nn.Conv2d | nn.Embedding:
    rows, columns = weight.shape[:2]
    layer: nn.Linear | nn.Conv2d | nn.Embedding
    if kind == "embedding":
        layer = nn.Embedding(rows, columns, device="meta")
    elif kind == "linear":
        layer = nn.Linear(columns, rows, bias=False, device="meta")
    else:
        layer = nn.Conv2d(columns, rows, tuple(weight.shape[2:]), bias=False, device="meta")  # type: ignore[arg-type]  # two sizes
    layer.weight = nn.Parameter(weight, requires_grad=False)
    return layer
