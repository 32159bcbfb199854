"""Which layer of the checkpoint made a tensor, from the name the converter gave it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from torch import nn

from pocketformer.plan import Plan, PlannedLayer, weighted_modules
from pocketformer.plan.layers import LayerKind, WeightedModule

if TYPE_CHECKING:
    from pocketformer.program import Program

# Where the checkpoint's own model stands inside the modules of a signature.
_MODEL_PATH = {
    "classifier": r"^(on_ids\.|classify\.)*model(\.|$)",
    "encoder": r"^(on_ids\.)?encoder(\.|$)",
    "module": r"^module(\.|$)",
}


def model_layers(program: Program) -> Iterator[tuple[str, nn.Module]]:
    """Go through the modules of a program under the names that the checkpoint's own model gives them."""
    prefix = _MODEL_PATH.get(program.kind, r"^$")
    for signature in program.signatures:
        for name, module in signature.module.named_modules():
            yield re.sub(prefix, "", name), module


def weighted_layers(program: Program) -> Iterator[tuple[str, WeightedModule, LayerKind]]:
    """Go through the layers of a program that a plan speaks of, under the checkpoint's own names."""
    prefix = _MODEL_PATH.get(program.kind, r"^$")
    seen: set[int] = set()
    for signature in program.signatures:
        for name, module, kind in weighted_modules(signature.module):
            if id(module.weight) not in seen:
                seen.add(id(module.weight))
                yield re.sub(prefix, "", name), module, kind


def program_layers(program: Program, plan: Plan) -> tuple[PlannedLayer, ...]:
    """Return the layers of a program with the formats that a plan gives them."""
    return tuple(
        PlannedLayer(name, kind, shape, plan.format_of(name, shape, kind == "embedding"))
        for name, module, kind in weighted_layers(program)
        for shape in [tuple(module.weight.shape)]
    )


def layer_names(program: Program) -> dict[str, str]:
    """Return the layers of a program by the path that the converter's names have.

    The converter's names leave out `ModuleList`, which is never called: "encoder.0" is "encoder.layer.0".

    Returns:
        Path in the program → name as in `model.named_modules()` of the checkpoint; what stands around the
        model has the name it has in the program, such as "tokenizer".
    """
    prefix = _MODEL_PATH.get(program.kind, r"^$")
    names: dict[str, str] = {}
    for signature in program.signatures:
        modules = dict(signature.module.named_modules())
        for name in modules:
            parts = name.split(".")
            called = [
                part
                for place, part in enumerate(parts, start=1)
                if not isinstance(modules[".".join(parts[:place])], nn.ModuleList)
            ]
            names.setdefault(".".join(called), re.sub(prefix, "", name))
    return names


def layer_of(tensor: bytes | str | None, names: Mapping[str, str]) -> str:
    """Return the layer that made a tensor; "" where its name does not tell.

    Args:
        tensor: The converter's name: "package.Root/package.Class_attribute/package.Class_attribute;2".
        names: From `layer_names`.
    """
    text = tensor.decode("utf-8", "replace") if isinstance(tensor, bytes) else tensor or ""
    _, *classes = text.partition(";")[0].split("/")
    path = ".".join(_attribute(part) for part in classes)
    return names.get(path, path)


def _attribute(part: str) -> str:
    """Return "word_embeddings" of "package.module.ClampedEmbedding_word_embeddings"."""
    name = part.rpartition(".")[2]
    return name.lstrip("_").partition("_")[2] or name
