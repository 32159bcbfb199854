"""How LiteRT stores the weight formats of a plan, and which of them it cannot.

Established by running files of one layer on each release of the runtime (ai-edge-litert 1.0.1 to 2.3.0):
blocks are read by FULLY_CONNECTED with dynamic activations and by EMBEDDING_LOOKUP, and by nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from pocketformer.plan import Activations, Plan, PlannedLayer, WeightFormat

__all__ = ["reads_stored", "stored_format", "unrealizable_layers"]

_WIDTHS = (2, 4, 8)
_BLOCK_WIDTHS = {"linear": (4,), "embedding": (2, 4), "convolution": ()}
_BLOCK_MULTIPLE = 32  # of FULLY_CONNECTED, by XNNPACK
_BYTE = 8


def stored_format(layer: PlannedLayer, activations: Activations) -> WeightFormat | None:
    """Return the format that a file has for a layer: the planned one, or the next wider for the same codes.

    Args:
        layer: With its planned format. An `int3` is stored as `int4`, an `int6` as `int8`.
        activations: Of the plan.

    Returns:
        None where LiteRT has none.
    """
    planned = layer.format
    if planned.kind == "float":
        return planned
    if planned.kind == "palette" or (planned.size and not _takes_blocks(layer, activations)):
        return None
    widths = _BLOCK_WIDTHS[layer.kind] if planned.size else _WIDTHS
    fitting = (bits for bits in widths if bits >= planned.bits and _fills_bytes(layer, bits))
    bits = next(fitting, None)
    return None if bits is None else WeightFormat("integer", bits, planned.size)


def reads_stored(operation: str, stored: WeightFormat, activations: Activations) -> bool:
    """Whether an operation takes a stored weight itself, and not its float32 numbers from a DEQUANTIZE.

    Kernels of four bits are right from ai-edge-litert 1.1.2 on and wrong before, and no version of CONV_2D
    tells the two apart; those of two bits are never right.

    Args:
        operation: The schema's name.
        stored: The format that the file has.
        activations: Of the plan.
    """
    if stored.kind == "float":
        return stored.bits == 32
    if operation == "EMBEDDING_LOOKUP":
        return True
    return activations == "int8" and (operation == "FULLY_CONNECTED" or stored.bits == 8)


def unrealizable_layers(plan: Plan, layers: Sequence[PlannedLayer]) -> tuple[str, ...]:
    """Return a sentence for each layer that LiteRT cannot store as planned."""
    return tuple(
        f"LiteRT cannot store {layer.name or 'the layer'} as {layer.format}: "
        + _reason(layer, plan.activations)
        for layer in layers
        if stored_format(layer, plan.activations) is None
    )


def _takes_blocks(layer: PlannedLayer, activations: Activations) -> bool:
    if layer.kind == "embedding":
        return True
    return layer.kind == "linear" and activations == "int8" and layer.format.size % _BLOCK_MULTIPLE == 0


def _fills_bytes(layer: PlannedLayer, bits: int) -> bool:
    """Whether each row of a table begins at a byte, as the look-up has it; products read codes in a row."""
    return layer.kind != "embedding" or math.prod(layer.shape[1:]) * bits % _BYTE == 0


def _reason(layer: PlannedLayer, activations: Activations) -> str:
    planned = layer.format
    per_row = WeightFormat("integer", planned.bits)
    if planned.kind == "palette":
        return "it has no palettes. Use int4, or int4-b32, a scale per block of 32 inputs."
    if layer.kind == "convolution":
        return f"a kernel has one scale per output channel. Use {per_row}."
    if planned.bits > max(_BLOCK_WIDTHS[layer.kind]):
        return f"it has blocks of 4 bits and no wider ones. Use {per_row}, or int4-b{planned.size}."
    if layer.kind == "linear" and planned.size % _BLOCK_MULTIPLE:
        return f"its blocks are multiples of {_BLOCK_MULTIPLE} inputs. Use {planned} with another size."
    if layer.kind == "linear" and activations == "float":
        return (
            f"blocks are multiplied with int8 activations alone. Let activations be int8, or use {per_row}."
        )
    return f"a row of {math.prod(layer.shape[1:])} such numbers does not fill whole bytes. Use int8."
