"""A plan in converted functions: the weights of each layer as the plan has them stored.

Weights are read from the program when a package is made, not when its functions were converted: several plans
take one conversion. Arithmetic stays in the type of the weight: Core ML expands weights when it loads them,
or as it reads them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pocketformer.plan import Codes, Plan, PlannedLayer, decode, encode
from pocketformer.targets.coreml.constants import Constants
from pocketformer.targets.coreml.convert import Functions
from pocketformer.targets.coreml.package import block_of
from pocketformer.targets.coreml.protobuf import program_messages
from pocketformer.targets.coreml.releases import OLDEST_IOS, Release
from pocketformer.targets.coreml.storage import is_stored_small
from pocketformer.targets.coreml.stored import weight_names


def store(
    functions: Functions,
    weights: Mapping[str, Tensor],
    layers: Sequence[PlannedLayer],
    plan: Plan,
    release: Release,
) -> Functions:
    """Return functions with their weights as planned; what was given stays as it is.

    Args:
        functions: Converted.
        weights: Of each layer, [rows, ...].
        layers: With their formats.
        plan: Says how codes are found for a weight that is on no grid yet.
        release: Whose operations may be used.
    """
    maker = _Maker(functions.constants.copy(), weights, {one.name: one for one in layers}, plan, release)
    names = weight_names([one.name for one in layers])
    messages = {}
    for name, message in functions.messages.items():
        messages[name] = type(message)()
        messages[name].CopyFrom(message)
        _fill(block_of(messages[name]), functions.weights[name], maker, names)
    return Functions(messages, functions.descriptions, maker.constants)


def _fill(block: Any, owners: Mapping[str, str], maker: _Maker, names: Mapping[str, str]) -> None:
    """Replace the constants of layers, in place; each is named after its layer."""
    operations, renamed = [], {}
    for operation in block.operations:
        before = operation.outputs[0].name if operation.outputs else ""
        layer = owners.get(before)
        if layer is None:
            operations.append(operation)
            continue
        renamed[before] = names[layer] + ("_float32" if _is_wide(operation) else "")
        operations.extend(_named(maker.made(layer, operation), renamed[before]))
    for operation in operations:
        for argument in operation.inputs.values():
            for binding in argument.arguments:
                if binding.name in renamed:
                    binding.name = renamed[binding.name]
    # Copied first: taking them out of the block invalidates what still points into it.
    kept = [_copy(operation) for operation in operations]
    del block.operations[:]
    block.operations.extend(kept)


def _named(messages: Sequence[Any], name: str) -> list[Any]:
    """Return copies whose last output has a name, and whose others have it with an ending."""
    copies = [_copy(message) for message in messages]
    names: dict[str, str] = {}
    for message in copies:
        own = name if message is copies[-1] else f"{name}_codes"
        names[message.outputs[0].name] = own
        message.outputs[0].name = own
        message.attributes["name"].immediateValue.tensor.strings.values[0] = own
        for argument in message.inputs.values():
            for binding in argument.arguments:
                if binding.name:
                    binding.name = names[binding.name]
    return copies


def _copy(message: Any) -> Any:
    copied = type(message)()
    copied.CopyFrom(message)
    return copied


def _is_wide(operation: Any) -> bool:
    return str(program_messages().DataType.Name(operation.outputs[0].type.tensorType.dataType)) == "FLOAT32"


class _Maker:
    """Makes the operations of each layer's weight, once for all functions."""

    def __init__(
        self,
        constants: Constants,
        weights: Mapping[str, Tensor],
        layers: Mapping[str, PlannedLayer],
        plan: Plan,
        release: Release,
    ) -> None:
        self.constants = constants
        self._weights, self._layers, self._plan, self._release = weights, layers, plan, release
        self._codes: dict[str, Codes] = {}
        self._made: dict[tuple[str, bool], list[Any]] = {}

    def made(self, layer: str, constant: Any) -> list[Any]:
        """Return the operations that take the place of a layer's constant; names stand for nothing yet."""
        wide = _is_wide(constant)
        if (layer, wide) not in self._made:
            self._made[layer, wide] = self._operations(layer, constant, wide)
        return self._made[layer, wide]

    def _operations(self, layer: str, constant: Any, wide: bool) -> list[Any]:
        from pocketformer.targets.coreml.expansions import expansion_of, widened  # imports coremltools

        planned, weight = self._layers[layer].format, self._weights[layer].detach()
        dtype = np.dtype(np.float32 if wide else np.float16)
        if is_stored_small(planned, weight.shape, not wide):
            return expansion_of(self._coded(layer), dtype, self._release, self.constants)
        if planned.kind != "float":
            weight = decode(self._coded(layer))
        if str(planned) == "fp16" and wide and self._release.ios > OLDEST_IOS:
            return widened(weight.numpy().astype(np.float16), self._release, self.constants)
        number = self.constants.add(weight.numpy().astype(dtype), dtype.name)
        stored = _copy(constant)
        stored.attributes["val"].blobFileValue.offset = number
        return [stored]

    def _coded(self, layer: str) -> Codes:
        """Return a weight's codes: those it was baked with, or else the nearest."""
        if layer not in self._codes:
            weight, planned = self._weights[layer].detach(), self._layers[layer].format
            codes = encode(weight, planned)
            if self._plan.rounding == "clipped" and not torch.equal(decode(codes), weight):
                codes = encode(weight, planned, clipped=True)
            self._codes[layer] = codes
        return self._codes[layer]
