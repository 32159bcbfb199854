"""The checkpoint's own names of layers, inside a program and its exported graphs."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import nn

from pocketformer.errors import ExportError
from pocketformer.plan.names import is_inside

if TYPE_CHECKING:
    from pocketformer.program import Program

# Where the checkpoint's own model stands inside the modules of a signature.
_MODEL_PATH = {
    "classifier": r"^(on_ids\.|classify\.)*model(\.|$)",
    "encoder": r"^(on_ids\.)?encoder(\.|$)",
    "module": r"^module(\.|$)",
}
_NEAR_NAMES = 3


def model_of(program: Program) -> nn.Module | None:
    """Return the module whose `named_modules()` are the layers of a program; None of a tokenizer alone."""
    if program.model is not None:
        return program.model
    prefix = _MODEL_PATH.get(program.kind)
    if prefix is not None:
        for signature in program.signatures:
            for path, part in signature.module.named_modules():
                if path and not re.sub(prefix, "", path):
                    found: nn.Module = part
                    return found
    return None


def layer_names(program: Program) -> frozenset[str]:
    """Return the names of the checkpoint's layers, as `model.named_modules()` gives them."""
    prefix = _MODEL_PATH.get(program.kind)
    if prefix is None:
        return frozenset()
    paths = (name for one in program.signatures for name, _ in one.module.named_modules())
    return frozenset(re.sub(prefix, "", path) for path in paths if re.match(prefix, path)) - {""}


def layer_of_node(node: Any, kind: str) -> str:
    """Return the layer that a node of an exported graph stands in; "" outside of all modules.

    Args:
        node: An fx node.
        kind: Of the program, such as "classifier".
    """
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    path = str(stack[-1][0]) if stack else ""
    return re.sub(_MODEL_PATH.get(kind, r"^$"), "", path)


def is_within(layer: str, kept: Sequence[str]) -> bool:
    """Whether a layer is one of `kept`, or inside one of them."""
    return any(is_inside(layer, name) for name in kept)


def require_layers(program: Program, names: Sequence[str]) -> None:
    """Refuse names that no layer of the checkpoint has.

    Raises:
        ExportError: The sentence lists the nearest names there are.
    """
    known = layer_names(program)
    for name in names:
        if name in known:
            continue
        near = difflib.get_close_matches(name, known, _NEAR_NAMES, 0.4) or sorted(known)[:_NEAR_NAMES]
        hint = (
            f"Near names are: {', '.join(near)}." if near else "A tokenizer alone computes no floats at all."
        )
        raise ExportError(f"The model has no layer {name!r} to keep in float32. {hint}")


def name_after_layers(function: Any, layers: Mapping[int, str], handles: Any) -> None:
    """Name every computed value of a MIL function after its layer and operation, in place.

    What goes in and comes out keeps its name; so do constants, which have those of their parameters.

    Args:
        function: coremltools' own `Function`.
        layers: Number of a layer → its name.
        handles: Returns the number that an operation carries, or None.
    """
    counts: dict[str, int] = {}
    fixed = {variable.name for variable in function.outputs} | set(function.inputs)
    for operation in function.operations:
        if operation.op_type == "const":
            continue
        layer = layers.get(handles(operation), "")
        base = f"{identifier(layer)}__{operation.op_type}" if layer else operation.op_type
        for variable in operation.outputs:
            counts[base] = counts.get(base, -1) + 1
            name = base if not counts[base] else f"{base}_{counts[base]}"
            operation.name = name
            if variable.name not in fixed:
                variable.name = name


def identifier(layer: str) -> str:
    """Return a layer's name as Core ML takes it: letters, digits and underscores."""
    return re.sub(r"\W", "_", layer)
