"""How a file is laid out: one graph that takes text, or ids in its place, and gives ids and results.

                 ┌ ids given ──────────────── the ids ┐
    text, ids ─ If                                    ├─ cut to `length` ─ model ─ scores, logits, …
                 └ else ─ If ┌ short text ─ tokenizer ┤
                             └ else ─────── tokenizer ┘

The tokenizers stand inside branches over the same tables; the model follows after. A text pays for its own
tokens: the model's inputs have no fixed length.

The ids are graph inputs with an empty default, which ONNX calls initialisers that may be overridden: a plain
runtime lists `text` as the one input.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from pocketformer.targets.onnx.convert import Parts
from pocketformer.targets.onnx.signatures import GIVEN, ID_NAMES, LENGTH, TEXT

_LARGEST = np.iinfo(np.int64).max


def lay_out(parts: Parts) -> ir.Model:
    """Return one graph of a program's parts, and the parts as they were.

    With no tokenizer it is the model on ids alone, which are then plain inputs.
    """
    copied = {size: one.clone() for size, one in parts.tokenizers.items()}
    parts = Parts(copied, _cloned(parts.on_ids), parts.owners)
    if not parts.tokenizers and parts.on_ids is not None:
        return parts.on_ids
    return _Layout(parts).model()


def _cloned(model: ir.Model | None) -> ir.Model | None:
    return None if model is None else model.clone()


class _Layout:
    """The graph while it is put together."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        first = next(iter(parts.tokenizers.values()))
        self.text = _input(TEXT, ir.Shape([1, "bytes"]))
        self.graph = ir.Graph(
            [self.text], [], nodes=[], opset_imports=dict(first.opset_imports), name="pocketformer"
        )
        self.constants: dict[tuple[str, bytes], ir.Value] = {}

    def model(self) -> ir.Model:
        ids = self._ids()
        for value, name in zip(ids, (*ID_NAMES, LENGTH), strict=True):
            value.name = name
        if self.parts.on_ids is not None:
            self._append_model(self.parts.on_ids.graph, ids)
        self.graph.outputs.extend(ids)
        return ir.Model(self.graph, ir_version=8)

    def _ids(self) -> Sequence[ir.Value]:
        """Append what gives ids, mask, types [1, L] and length [1]: from the text, or as they are given."""
        if self.parts.on_ids is None:
            return self._if_short(self.graph)
        given = [self._given(name) for name in GIVEN]
        count = self._node(self.graph, "Shape", [given[0]], name="given/Shape", start=1, end=2)
        is_given = self._node(self.graph, "Greater", [count, self._constant([0])], name="given/Greater")
        branch = _branch("given")
        outputs = [self._node(branch, "Identity", [one], name=f"given/{one.name}") for one in given]
        outputs.append(self._node(branch, "Cast", [count], name="given/length", to=ir.DataType.INT32))
        branch.outputs.extend(outputs)
        other = _branch("from_text")
        other.outputs.extend(self._if_short(other))
        return self._if(self.graph, is_given, branch, other, "ids")

    def _if_short(self, graph: ir.Graph) -> Sequence[ir.Value]:
        """Append the shortest tokenizer that holds the text: its bytes count, not its padding."""
        *shorter, full = self.parts.tokenizers
        text = self._fitted(graph, full)
        if not shorter:
            return self._tokenizer(graph, full, text)
        short = shorter[0]
        rest = self._slice(graph, text, short, full, "text/rest")
        used = self._node(graph, "Equal", [rest, self._constant(0, np.int32)], name="text/is_padding")
        free = self._node(graph, "Cast", [used], name="text/padding", to=ir.DataType.INT32)
        count = self._node(
            graph, "ReduceSum", [free, self._constant([1])], name="text/padding_bytes", keepdims=0
        )
        is_short = self._node(
            graph, "Equal", [count, self._constant([full - short], np.int32)], name="text/is_short"
        )
        branches = []
        for size in (short, full):
            branch = _branch(f"tokenizer_{size}")
            data = self._slice(branch, text, 0, size, f"text/first_{size}") if size != full else text
            branch.outputs.extend(self._tokenizer(branch, size, data))
            branches.append(branch)
        return self._if(graph, is_short, branches[0], branches[1], "tokens")

    def _fitted(self, graph: ir.Graph, size: int) -> ir.Value:
        """Append what pads or cuts the text to `size` bytes."""
        padding = self._constant(np.zeros((1, size)), np.int32, "text/zeros")
        padded = self._node(graph, "Concat", [self.text, padding], name="text/padded", axis=1)
        return self._slice(graph, padded, 0, size, "text/fitted")

    def _tokenizer(self, graph: ir.Graph, size: int, text: ir.Value) -> Sequence[ir.Value]:
        part = self.parts.tokenizers[size].graph
        outputs = list(part.outputs)
        for value in outputs:
            if value.producer() is not None:  # every name once in a file: ONNX Runtime before 1.14 insists
                value.name = f"tokenizer_{size}/{value.name}:computed"
        self._move(part, graph, {TEXT: text})
        # What a branch gives must be computed in it: the token types are a constant otherwise.
        return [
            self._node(graph, "Identity", [value], name=f"tokenizer_{size}/{name}")
            for value, name in zip(outputs, (*ID_NAMES, LENGTH), strict=True)
        ]

    def _append_model(self, part: ir.Graph, ids: Sequence[ir.Value]) -> None:
        *padded, length = ids
        end = self._node(self.graph, "Cast", [length], name="cut/length", to=ir.DataType.INT64)
        inputs = {}
        for value in part.inputs:
            if value.uses():  # not every architecture looks at token types
                source = padded[ID_NAMES.index(str(value.name))]
                inputs[str(value.name)] = self._node(
                    self.graph,
                    "Slice",
                    [source, self._constant([0]), end, self._constant([1])],
                    name=f"cut/{value.name}",
                )
        outputs = list(part.outputs)
        self._move(part, self.graph, inputs)
        self.graph.outputs.extend(outputs)

    def _move(self, part: ir.Graph, graph: ir.Graph, inputs: dict[str, ir.Value]) -> None:
        """Move a part's nodes into `graph`, its constants to the outermost one, each table once."""
        for value in part.inputs:
            if value.name in inputs:
                ir.convenience.replace_all_uses_with(value, inputs[str(value.name)])
        part.outputs.clear()
        for name, value in list(part.initializers.items()):
            part.initializers.pop(name)
            present = self.graph.initializers.get(name)
            if present is None:
                self.graph.initializers[name] = value
            else:
                ir.convenience.replace_all_uses_with(value, present)
        nodes = list(part)
        part.remove(nodes)
        graph.extend(nodes)

    def _if(
        self, graph: ir.Graph, condition: ir.Value, chosen: ir.Graph, otherwise: ir.Graph, name: str
    ) -> Sequence[ir.Value]:
        node = ir.node(
            "If",
            [condition],
            {"then_branch": chosen, "else_branch": otherwise},
            num_outputs=len(chosen.outputs),
            name=name,
        )
        for value, inner in zip(node.outputs, chosen.outputs, strict=True):
            value.name = f"{name}/{str(inner.name).rpartition('/')[2]}"
            value.dtype = ir.DataType.INT32
            value.shape = ir.Shape([1]) if value.name.endswith(LENGTH) else ir.Shape([1, "length"])
        graph.append(node)
        return list(node.outputs)

    def _node(
        self, graph: ir.Graph, operation: str, inputs: Sequence[ir.Value], name: str, **attributes: int
    ) -> ir.Value:
        node = ir.node(operation, inputs, attributes, name=name)
        node.outputs[0].name = name
        graph.append(node)
        return node.outputs[0]

    def _slice(self, graph: ir.Graph, value: ir.Value, start: int, end: int, name: str) -> ir.Value:
        bounds = [self._constant([start]), self._constant([end]), self._constant([1])]
        return self._node(graph, "Slice", [value, *bounds], name=name)

    def _constant(self, content: object, dtype: type = np.int64, name: str = "") -> ir.Value:
        """Return a constant of the outermost graph, each value once."""
        array: np.ndarray = np.asarray(content, dtype)
        key = (f"{array.dtype}{array.shape}", array.tobytes())
        if key not in self.constants:
            name = name or f"constant/{array.dtype}_{'_'.join(map(str, array.ravel()))}_{array.ndim}"
            value = ir.Value(name=name, const_value=ir.tensor(array, name=name))
            self.graph.initializers[name] = self.constants[key] = value
        return self.constants[key]

    def _given(self, name: str) -> ir.Value:
        value = _input(name, ir.Shape([1, "given"]))
        value.const_value = ir.tensor(np.zeros((1, 0), np.int32), name=name)
        self.graph.inputs.append(value)
        self.graph.initializers[name] = value
        return value


def _input(name: str, shape: ir.Shape) -> ir.Value:
    return ir.Value(name=name, shape=shape, type=ir.TensorType(ir.DataType.INT32))


def _branch(name: str) -> ir.Graph:
    return ir.Graph([], [], nodes=[], name=name)
