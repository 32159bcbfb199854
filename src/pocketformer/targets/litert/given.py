"""A TFLite file that somebody gave: its weights in another precision, and which tables it looks up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from pocketformer import files
from pocketformer.errors import ExportError
from pocketformer.plan import Plan, PlannedLayer
from pocketformer.targets.checking import require_float32
from pocketformer.targets.litert.card import METADATA_KEY, read_card
from pocketformer.targets.litert.filling import fill
from pocketformer.targets.litert.finish import correct_versions
from pocketformer.targets.litert.flatbuffer import BROKEN, read_model, set_metadata, truncated, write_model
from pocketformer.targets.litert.given_weights import given_places
from pocketformer.targets.litert.signatures import entry_points
from pocketformer.targets.litert.stand_ins import StandIn
from pocketformer.targets.litert.storage import unrealizable_layers

_Operator = schema.BuiltinOperator
# Operation → the place of its indices and of its table.
_LOOKUPS = {_Operator.GATHER: (1, 0), _Operator.EMBEDDING_LOOKUP: (0, 1)}
_PASSED_ON = {
    _Operator.CAST, _Operator.RESHAPE, _Operator.EXPAND_DIMS, _Operator.SQUEEZE, _Operator.TRANSPOSE,
    _Operator.SLICE, _Operator.STRIDED_SLICE, _Operator.MINIMUM, _Operator.MAXIMUM,
}  # fmt: skip


def rewrite(source: Path, plan: Plan, path: Path) -> None:
    """Write a float32 file with its weights as planned (see `litert.rewrite`)."""
    card = read_card(source)
    require_float32(card)
    content = np.memmap(source, np.uint8, "r")
    places = given_places(schema.Model.GetRootAs(content, 0))
    if sentences := unrealizable_layers(plan, [_planned(place.weight, plan) for place in places]):
        raise ExportError(" ".join(sentences))
    model = read_model(content, str(source))
    names = {(site.graph, site.tensor): model.subgraphs[site.graph].tensors[site.tensor].name
             for place in places for site in place.sites}  # fmt: skip
    fill(model, places, plan)
    for (graph, tensor), name in names.items():
        model.subgraphs[graph].tensors[tensor].name = name
    correct_versions(model)
    metadata = {"precision": plan.name, "plan": plan.model_dump(mode="json")}
    metadata = {"kind": "module", **card.metadata, **metadata}
    set_metadata(model, METADATA_KEY, json.dumps(metadata, ensure_ascii=False, sort_keys=True).encode())
    files.write_bytes(path, write_model(model))


def _planned(one: StandIn, plan: Plan) -> PlannedLayer:
    shape = tuple(one.weight.shape)
    return PlannedLayer(one.name, one.kind, shape, plan.format_of(one.name, shape, one.kind == "embedding"))


def looked_up(path: Path) -> dict[str, dict[str, int]]:
    """Return for each signature the integer inputs that are places in a table, and its rows.

    Raises:
        FileFormatError: There is no such file, or it is no complete TFLite file.
    """
    read_card(path)  # refuses what is no TFLite file
    content = path.read_bytes()
    try:
        model = schema.Model.GetRootAs(content, 0)
        return {
            entry.card.name: _rows(
                model,
                entry.subgraph,
                dict(zip(entry.inputs, (one.name for one in entry.card.inputs), strict=True)),
            )
            for entry in entry_points(model)
        }
    except BROKEN as error:
        raise truncated(str(path), len(content)) from error


def _rows(model: Any, subgraph: int, names: dict[int, str]) -> dict[str, int]:
    """Follow inputs, by their tensors, to the operations that look something up."""
    graph = model.Subgraphs(subgraph)
    origin, rows = dict(names), dict[str, int]()
    for code, operator in _operators(model, graph):
        inputs = [operator.Inputs(place) for place in range(operator.InputsLength())]
        known = next((origin[one] for one in inputs if one in origin), None)
        if code in _PASSED_ON and known is not None:
            origin[operator.Outputs(0)] = known
        if code in _LOOKUPS and inputs[_LOOKUPS[code][0]] in origin:
            indices, table = _LOOKUPS[code]
            name, size = origin[inputs[indices]], _size(graph.Tensors(inputs[table]), operator, code)
            rows[name] = min(size, rows.get(name, size))
    return rows


def _operators(model: Any, graph: Any) -> Iterator[tuple[int, Any]]:
    for operator in (graph.Operators(index) for index in range(graph.OperatorsLength())):
        code = model.OperatorCodes(operator.OpcodeIndex())
        yield max(code.BuiltinCode(), code.DeprecatedBuiltinCode()), operator


def _size(table: Any, operator: Any, code: int) -> int:
    """Return the size of the axis of a table that is looked up."""
    axis = 0
    if code == _Operator.GATHER and operator.BuiltinOptions() is not None:
        options = schema.GatherOptions()
        options.Init(operator.BuiltinOptions().Bytes, operator.BuiltinOptions().Pos)
        axis = options.Axis()
    return int(table.Shape(axis % table.ShapeLength()))
