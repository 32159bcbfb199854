"""The weights of a graph by a plan: each layer's in its own format, and the products that go with it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from pocketformer.plan import Plan, WeightFormat
from pocketformer.targets.onnx import products, tables
from pocketformer.targets.onnx.opsets import BLOCKS_OPSET
from pocketformer.targets.onnx.owners import Owner, Owners, replace_weight, weights_of
from pocketformer.targets.onnx.rewriting import Rewriter
from pocketformer.targets.onnx.storage import HALF, Coded, coded, float_weight, plainest

_FLOAT32 = WeightFormat("float", 32)
_BLOCK_BITS = (4, 8)  # that ONNX has a type for


def compress(
    model: ir.Model, plan: Plan, owners: Owners, limit: int | None = None
) -> dict[str, WeightFormat]:
    """Store a float32 graph's weights as planned, in place; the tokenizer's tables stay as they are.

    Where a plan has activations in int8, products with integer weights of a scale per row are integer
    products, and those in blocks of 4 or 8 bits are left to the runtime, whose kernels round what they
    multiply. All other products are of float32 numbers, which ONNX Runtime makes when it loads a file.

    Args:
        model: Its weights.
        plan: Which layer gets which bits.
        owners: Which weight belongs to which layer.
        limit: The newest opset that the file may need.

    Returns:
        The format of each layer of which a weight is in the graph.

    Raises:
        ExportError: A weight does not divide into its format's blocks, or is outside its range.
    """
    found = [(node, value, owners.get(node.name or "")) for node, value in weights_of(model.graph)]
    writer = _Writer(model, plan, limit)
    owned = [(node, writer.coded(owner), owner.transposed) for node, _, owner in found if owner is not None]
    _forget(model.graph, {value for _, value, owner in found if owner is not None}, owners)
    writer.share_activations(owned)
    for node, one, transposed in owned:
        writer.rewriter.node = node
        writer.store(one, transposed)
    for node, value, owner in found:
        if owner is None and node.op_type == "Gather" and plan.name != "fp32":
            writer.rewriter.node = node
            writer.halve_if_exact(value)
    for name, value in list(model.graph.initializers.items()):
        if not value.uses() and not value.is_graph_input():
            model.graph.initializers.pop(name)
    return writer.formats


def _forget(graph: ir.Graph, values: set[ir.Value], owners: Owners) -> None:
    """Give the names of weights free: what is stored instead may bear them."""
    for value in values:
        graph.initializers.pop(value.name or "", None)
        if any((node.name or "") not in owners for node, _ in value.uses()):  # the same numbers by chance
            value.name = f"{value.name}.others"
            graph.initializers[value.name] = value


class _Writer:
    """Stores the weights of one graph."""

    def __init__(self, model: ir.Model, plan: Plan, limit: int | None) -> None:
        self.model, self.plan, self.limit = model, plan, limit
        self.rewriter = Rewriter(model.graph)
        self.formats: dict[str, WeightFormat] = {}
        self._coded: dict[str, Coded] = {}
        self._floats: dict[tuple[str, bool], ir.Value] = {}
        self._activations = products.Activations({})

    def coded(self, owner: Owner) -> Coded:
        """Return a layer's weight in its format, once for all nodes that read it."""
        if owner.layer not in self._coded:
            weight = owner.read()
            into = self.plan.format_of(owner.layer, tuple(weight.shape), owner.is_embedding)
            self.formats[owner.layer] = plainest(into, tuple(weight.shape))
            self._coded[owner.layer] = coded(owner.layer, weight, into, self.plan)
        return self._coded[owner.layer]

    def share_activations(self, read: Sequence[tuple[ir.Node, Coded, bool]]) -> None:
        """Find the steps of activations that several integer products share."""
        weights: dict[ir.Value, dict[str, np.ndarray]] = {}
        for node, one, transposed in read:
            source = node.inputs[0]
            if source is not None and one.codes is not None and self._is_integer(node, one, transposed):
                weights.setdefault(source, {})[node.name or ""] = one.codes.values.numpy()
        steps = {
            name: fewest
            for codes in weights.values()
            for fewest in [products.steps_for(list(codes.values()))]
            for name in codes
        }
        self._activations = products.Activations(steps)

    def store(self, one: Coded, transposed: bool) -> None:
        """Store a weight for the rewriter's node, which reads it as [columns, rows] where `transposed`."""
        node = self.rewriter.node
        if one.format == _FLOAT32:
            replace_weight(node, self._float32(one, transposed))
        elif node.op_type == "Gather" and tables.rank_of(node) is not None:
            tables.rewrite(self.rewriter, one)
        elif self._is_integer(node, one, transposed):
            products.rewrite(self.rewriter, one, self._activations)
        elif self._is_in_blocks(node, one, transposed):
            self.model.graph.opset_imports[""] = BLOCKS_OPSET
            products.rewrite_blocks(self.rewriter, one)
        else:
            replace_weight(node, float_weight(self.rewriter, one, transposed))

    def halve_if_exact(self, value: ir.Value) -> None:
        """Store a table that no plan speaks of in float16 where that loses nothing."""
        assert value.const_value is not None  # what makes it a weight
        content = value.const_value.numpy()
        with np.errstate(over="ignore"):
            is_exact = np.array_equal(content.astype(np.float16).astype(np.float32), content)
        if not is_exact:
            return
        stored = self.rewriter.constant(f"{value.name}.{HALF}", content, np.float16)
        rows = self.rewriter.add("Gather", [stored, *self.rewriter.node.inputs[1:]], "rows", axis=0)  # type: ignore[list-item]  # both are there
        self.rewriter.replace(self.rewriter.add("Cast", [rows], to=ir.DataType.FLOAT))

    def _is_integer(self, node: ir.Node, one: Coded, transposed: bool) -> bool:
        return (
            self.plan.activations == "int8"
            and one.format.kind == "integer"
            and not one.format.size
            and len(one.shape) == 2
            and products.is_plain(node, transposed)
        )

    def _is_in_blocks(self, node: ir.Node, one: Coded, transposed: bool) -> bool:
        return (
            self.plan.activations == "int8"
            and one.format.kind == "integer"
            and one.format.size > 0
            and one.format.bits in _BLOCK_BITS
            and len(one.shape) == 2
            and products.is_plain(node, transposed)
            and (self.limit is None or self.limit >= BLOCKS_OPSET)
        )

    def _float32(self, one: Coded, transposed: bool) -> ir.Value:
        key = (one.name, transposed)
        if key not in self._floats:
            content = one.weight.numpy()
            name = f"{one.name}.transposed" if (one.name, not transposed) in self._floats else one.name
            self._floats[key] = self.rewriter.constant(name, content.T if transposed else content)
        return self._floats[key]
