"""The weights of a graph by a plan: each layer's in its own format, and the products that go with it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx_ir as ir

from pocketformer.plan import Plan, WeightFormat
from pocketformer.targets.onnx import products, tables
from pocketformer.targets.onnx.opsets import BLOCKS_OPSET
from pocketformer.targets.onnx.owners import Owner, Owners, replace_weight, weights_of
from pocketformer.targets.onnx.rewriting import Rewriter
from pocketformer.targets.onnx.storage import HALF, Coded, coded, float_weight

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
    found = list(weights_of(model.graph))
    writer = _Writer(model, plan, limit)
    coded_weights = {
        node.name or "": writer.coded(owners[node.name or ""]) for node, _ in found if node.name in owners
    }
    _forget(model.graph, [value for node, value in found if node.name in owners])
    steps = writer.steps([(node, coded_weights[node.name or ""]) for node, _ in found if node.name in owners])
    for node, value in found:
        writer.rewriter.node = node
        if node.name in owners:
            writer.store(coded_weights[node.name], owners[node.name].transposed, steps)
        elif plan.name != "fp32" and node.op_type == "Gather":
            writer.halve_if_exact(value)
    for name, value in list(model.graph.initializers.items()):
        if not value.uses() and not value.is_graph_input():
            model.graph.initializers.pop(name)
    return writer.formats


def _forget(graph: ir.Graph, values: list[ir.Value]) -> None:
    """Give the names of weights free: what is stored instead may bear them."""
    for value in values:
        graph.initializers.pop(value.name or "", None)


class _Writer:
    """Stores the weights of one graph."""

    def __init__(self, model: ir.Model, plan: Plan, limit: int | None) -> None:
        self.model, self.plan, self.limit = model, plan, limit
        self.rewriter = Rewriter(model.graph)
        self.formats: dict[str, WeightFormat] = {}
        self._coded: dict[str, Coded] = {}
        self._floats: dict[tuple[str, bool], ir.Value] = {}
        self._activations: dict[ir.Value, products.Rows] = {}

    def coded(self, owner: Owner) -> Coded:
        """Return a layer's weight in its format, once for all nodes that read it."""
        if owner.layer not in self._coded:
            into = self.plan.format_of(owner.layer, tuple(owner.weight.shape), owner.is_embedding)
            self.formats[owner.layer] = into
            self._coded[owner.layer] = coded(owner.layer, owner.weight.detach(), into, self.plan)
        return self._coded[owner.layer]

    def steps(self, read: list[tuple[ir.Node, Coded]]) -> Mapping[ir.Value, int]:
        """Return the steps of the activations that integer products share."""
        weights: dict[ir.Value, list[np.ndarray]] = {}
        for node, one in read:
            source = node.inputs[0]
            if source is not None and one.codes is not None and self._is_integer_product(node, one):
                weights.setdefault(source, []).append(one.codes.values.numpy())
        return {source: products.steps_for(codes) for source, codes in weights.items()}

    def store(self, one: Coded, transposed: bool, steps: Mapping[ir.Value, int]) -> None:
        """Store a weight for the rewriter's node, which reads it as [columns, rows] where `transposed`."""
        node = self.rewriter.node
        if one.format == _FLOAT32:
            replace_weight(node, self._float32(one, transposed))
        elif node.op_type == "Gather":
            tables.rewrite(self.rewriter, one)
        elif self._is_integer_product(node, one):
            source = node.inputs[0]
            assert source is not None  # of a product
            products.rewrite(self.rewriter, one, steps[source], self._activations)
        elif self._is_block_product(node, one):
            self.model.graph.opset_imports[""] = BLOCKS_OPSET
            products.rewrite_blocks(self.rewriter, one)
        else:
            weight = float_weight(self.rewriter, one)
            if transposed:
                weight = self.rewriter.add("Transpose", [weight], "weight", perm=[1, 0])
            replace_weight(node, weight)

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

    def _is_integer_product(self, node: ir.Node, one: Coded) -> bool:
        return (
            self.plan.activations == "int8"
            and one.format.kind == "integer"
            and not one.format.size
            and len(one.shape) == 2
            and products.is_plain(node)
        )

    def _is_block_product(self, node: ir.Node, one: Coded) -> bool:
        return (
            self.plan.activations == "int8"
            and one.format.kind == "integer"
            and one.format.size > 0
            and one.format.bits in _BLOCK_BITS
            and len(one.shape) == 2
            and products.is_plain(node)
            and (self.limit is None or self.limit >= BLOCKS_OPSET)
        )

    def _float32(self, one: Coded, transposed: bool) -> ir.Value:
        key = (one.name, transposed)
        if key not in self._floats:
            content = one.weight.numpy()
            name = f"{one.name}.transposed" if (one.name, not transposed) in self._floats else one.name
            self._floats[key] = self.rewriter.constant(name, content.T if transposed else content)
        return self._floats[key]
