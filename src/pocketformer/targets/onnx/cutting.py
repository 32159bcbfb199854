"""A file's model cut down to what some of its outputs need.

ONNX Runtime computes the whole graph whatever outputs are asked for (`only_execute_path_to_fetches` changes
nothing in its stock builds), so ids alone would cost as much as scores.
"""

from __future__ import annotations

import mmap
from collections.abc import Collection, Iterator
from pathlib import Path

from pocketformer.targets.onnx.wire import Message, delimited, integer

# Fields of onnx.proto. ModelProto: 1 ir_version, 7 graph, 8 opset_import. GraphProto: 1 node, 2 name,
# 5 initializer, 11 input, 12 output. NodeProto: 1 input, 2 output, 5 attribute.
# AttributeProto: 6 g, 11 graphs.
_TENSOR_NAME, _VALUE_NAME = 8, 1


def cut(path: Path, outputs: Collection[str]) -> bytes:
    """Return the model of an ONNX file with some of its outputs, and the nodes and weights they need."""
    with path.open("rb") as stream:
        model = Message(memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)))
    graph = model.messages(7)[-1]
    needed, nodes = set(outputs), []
    for content in reversed(graph.parts(1)):
        node = Message(content)
        if needed.intersection(node.texts(2)):
            nodes.append(content)
            needed.update(_read_names(node))
    fields = [delimited(1, content) for content in reversed(nodes)]
    fields += [delimited(2, content) for content in graph.parts(2)]
    fields += [delimited(5, content) for content in graph.parts(5) if _name(content, _TENSOR_NAME) in needed]
    fields += [delimited(11, content) for content in graph.parts(11) if _name(content, _VALUE_NAME) in needed]
    fields += [
        delimited(12, content) for content in graph.parts(12) if _name(content, _VALUE_NAME) in outputs
    ]
    opsets = b"".join(delimited(8, content) for content in model.parts(8))
    return integer(1, model.integer(1)) + opsets + delimited(7, b"".join(fields))


def _read_names(node: Message) -> Iterator[str]:
    """Go through the names that a node reads, and those that graphs inside it may read from outside."""
    yield from node.texts(1)
    for attribute in node.messages(5):
        for graph in (*attribute.messages(6), *attribute.messages(11)):
            for inner in graph.messages(1):
                yield from _read_names(inner)
            yield from (_name(content, _VALUE_NAME) for content in graph.parts(12))


def _name(content: memoryview, field: int) -> str:
    return Message(content).text(field)
