"""Constants that follow a rule leave the file, and every number that comes out stays the same."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from pocketformer.targets.litert.constants import compute_constants
from pocketformer.targets.litert.finish import correct_versions
from pocketformer.targets.litert.flatbuffer import BUILTIN_NAMES, opcode, write_model
from tflite import Operator, Type, buffer, tensor

Operation = tuple[int, list[Any], np.ndarray]

TYPES = {"int32": Type.INT32, "float32": Type.FLOAT32, "bool": Type.BOOL}
OPTIONS = {
    Operator.ADD: "Add",
    Operator.LESS: "Less",
    Operator.SELECT: "Select",
    Operator.FULLY_CONNECTED: "FullyConnected",
}
WIDTH = 32
TABLE = np.random.default_rng(0).normal(size=(1, 64, WIDTH)).astype(np.float32)


def model_of(*graphs: list[Operation]) -> schema.ModelT:
    """Build a model of graphs: operations on x, on the result before ("last") and on constants.

    An operation is its code, its operands, and an array of the type and shape of its result. The first one
    reads x, which is like its other operand.
    """
    model = schema.ModelT()
    model.version, model.buffers, model.operatorCodes, model.subgraphs = 3, [buffer()], [], []
    for operations in graphs:
        graph = schema.SubGraphT()
        like = operations[0][1][1]
        assert isinstance(like, np.ndarray)
        graph.tensors = [tensor("x", TYPES[like.dtype.name], list(like.shape), 0)]
        graph.operators, last = [], 0
        for code, operands, made in operations:
            places = []
            for operand in operands:
                if isinstance(operand, str):
                    places.append(0 if operand == "x" else last)
                    continue
                model.buffers.append(buffer(operand))
                place = len(model.buffers) - 1
                graph.tensors.append(
                    tensor("constant", TYPES[operand.dtype.name], list(operand.shape), place)
                )
                places.append(len(graph.tensors) - 1)
            graph.tensors.append(tensor("made", TYPES[made.dtype.name], list(made.shape), 0))
            last = len(graph.tensors) - 1
            operator = schema.OperatorT()
            operator.opcodeIndex = len(model.operatorCodes)
            operator.inputs, operator.outputs = np.array(places, np.int32), np.array([last], np.int32)
            name = OPTIONS[code]
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, f"{name}Options")
            operator.builtinOptions = getattr(schema, f"{name}OptionsT")()
            graph.operators.append(operator)
            added = schema.OperatorCodeT()
            added.builtinCode = added.deprecatedBuiltinCode = code
            added.version = 1
            model.operatorCodes.append(added)
        graph.inputs, graph.outputs = np.array([0], np.int32), np.array([last], np.int32)
        model.subgraphs.append(graph)
    return model


def adding(constant: np.ndarray) -> list[Operation]:
    return [(Operator.ADD, ["x", constant], constant)]


def choosing(fill: int, size: int) -> list[Operation]:
    positions, filled = np.arange(size, dtype=np.int32), np.full(size, fill, np.int32)
    return [
        (Operator.LESS, ["x", positions], positions > 0),
        (Operator.SELECT, ["last", filled, positions + 3], positions),
    ]


def results(model: schema.ModelT, which: int) -> tuple[int, np.ndarray]:
    """Return the size of the file, and what one of its subgraphs makes of fixed inputs."""
    graphs = model.subgraphs
    model.subgraphs = [graphs[which], *graphs[:which], *graphs[which + 1 :]]  # the first one is run
    content = bytes(write_model(model))
    model.subgraphs = graphs
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    given = interpreter.get_input_details()[0]
    values = np.random.default_rng(1).normal(scale=100, size=given["shape"]).astype(given["dtype"])
    interpreter.set_tensor(given["index"], values)
    interpreter.invoke()
    return len(content), interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def names(model: schema.ModelT, graph: int = 0) -> list[str]:
    return [
        BUILTIN_NAMES[opcode(model.operatorCodes[o.opcodeIndex])] for o in model.subgraphs[graph].operators
    ]


def changed(*graphs: list[Operation]) -> schema.ModelT:
    """Check that a model gives the same in fewer bytes, and return it changed."""
    before, after = model_of(*graphs), model_of(*graphs)
    compute_constants(after)
    correct_versions(after)
    for which in range(len(graphs)):
        old_size, expected = results(before, which)
        new_size, given = results(after, which)
        assert new_size < old_size
        assert np.array_equal(expected.view(np.int32), given.view(np.int32))
    return after


def unchanged(*graphs: list[Operation]) -> None:
    model = model_of(*graphs)
    before = bytes(write_model(model))
    compute_constants(model)
    assert bytes(write_model(model)) == before


def test_a_repeated_number_and_positions_are_computed() -> None:
    model = changed(choosing(-7, 500))
    assert names(model) == ["RANGE", "LESS", "FILL", "RANGE", "SELECT"]


def test_shorter_positions_are_cut_from_the_longest() -> None:
    model = changed(adding(TABLE), adding(TABLE[:, :40].copy()), adding(TABLE[:, :33].copy()))
    assert [names(model, graph) for graph in range(3)] == [["ADD"], ["SLICE", "ADD"], ["SLICE", "ADD"]]
    assert len(bytes(write_model(model))) < TABLE.nbytes + 3000


def test_a_row_that_is_added_everywhere_is_stored_once() -> None:
    rows = np.repeat(TABLE[:, :1], 64, axis=1)
    model = changed(adding(rows))
    assert names(model) == ["ADD"]
    assert len(bytes(write_model(model))) < 2000


def test_a_row_is_kept_where_the_operation_would_not_repeat_it() -> None:
    rows = np.repeat(TABLE[:, :1], 64, axis=1)
    unchanged(
        [(Operator.ADD, ["x", TABLE[:, :1].copy()], TABLE[:, :1]), (Operator.ADD, ["last", rows], rows)]
    )


def test_minus_zero_is_not_zero() -> None:
    rows = np.zeros((1, 64, WIDTH), np.float32)
    rows[0, 5] = -0.0
    unchanged(adding(rows))


def test_weights_stay_stored() -> None:
    weights = np.ones((64, WIDTH), np.float32)
    x = np.zeros((1, WIDTH), np.float32)
    y = np.zeros((1, 64), np.float32)
    unchanged([(Operator.ADD, ["x", x], x), (Operator.FULLY_CONNECTED, ["last", weights, y], y)])


def test_short_and_irregular_tables_stay_stored() -> None:
    unchanged(
        adding(np.full(20, 3, np.int32)),
        adding(np.array([1, 2, 3, 5] * 100, np.int32)),
        adding(TABLE),
        adding(TABLE[:, 1:40].copy()),
    )
