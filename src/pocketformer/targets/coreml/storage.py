"""What Core ML stores each weight format as, and which iOS reads it: the one place that says so.

    planned                 stored as                                             from iOS
    fp32, fp16              themselves                                            15
    fp16 beside fp32        float16, widened when it is loaded                    16 (before: as fp32)
    int8, int7              int8 codes and a scale per row                        16
    int8, int7 in blocks    int8 codes and a scale per block                      18
    int4                    int4 codes and a scale per row or block               18
    int6, int5, int3, int2  places of 6, 6, 3, 2 bits in a table of codes, scales 18
    palettes                places in one table                                   16 (palette3 as palette4)
    palettes in groups      places in a table per group of rows                   18

A matrix so small that codes, scales and the records of both take more bytes than its floats stays float: the
floats of a baked weight are its codes times its scales.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from pocketformer.plan import PlannedLayer, WeightFormat
from pocketformer.targets.coreml.releases import FUNCTIONS_IOS, OLDEST_IOS

__all__ = [
    "COMPRESSED_IOS",
    "Need",
    "block_axis",
    "index_bits",
    "is_stored_small",
    "needs",
    "stored_format",
    "unstorable",
    "whole",
]

#: The first that expands weights.
COMPRESSED_IOS = 16
_BLOCKS_IOS = FUNCTIONS_IOS  # the same release brought both
_RECORD_BYTES = 128  # of one more array in a weight file: its record, and the padding of both
_INDEX_BITS = (1, 2, 3, 4, 6, 8)  # of places in a table
_FLOAT32 = WeightFormat("float", 32)
_FLOAT16 = WeightFormat("float", 16)


@dataclass(frozen=True, slots=True)
class Need:
    """What one layer's format asks of a phone.

    Attributes:
        layer: Its name.
        format: As planned.
        least: The first iOS that can hold it, be it in more bits.
        exact: The first that holds it in its own.
        why: What of the format asks for that, as "int4 weights".
    """

    layer: str
    format: WeightFormat
    least: int
    exact: int
    why: str


def needs(layers: Iterable[PlannedLayer], in_half: Callable[[str], bool]) -> list[Need]:
    """Return what the layers of a plan ask for.

    Args:
        layers: With their formats.
        in_half: Whether a layer's arithmetic is float16, by its name.
    """
    return [Need(layer.name, layer.format, *_first_ios(layer, in_half(layer.name))) for layer in layers]


def _first_ios(layer: PlannedLayer, half: bool) -> tuple[int, int, str]:
    if not is_stored_small(layer.format, layer.shape, half):
        narrow = layer.format == _FLOAT16 and not half
        return OLDEST_IOS, COMPRESSED_IOS if narrow else OLDEST_IOS, "floats"
    form = whole(layer.format, layer.shape)
    if form.kind == "palette":
        if form.size:
            return _BLOCKS_IOS, _BLOCKS_IOS, "palettes per group of rows"
        exact = _BLOCKS_IOS if form.bits == 3 else COMPRESSED_IOS
        return COMPRESSED_IOS, exact, f"palettes of {2**form.bits} values"
    if form.size:
        return _BLOCKS_IOS, _BLOCKS_IOS, "scales per block"
    if form.bits < 7:
        return _BLOCKS_IOS, _BLOCKS_IOS, f"int{form.bits} weights"
    return COMPRESSED_IOS, COMPRESSED_IOS, "int8 weights with a scale per row"


def is_stored_small(planned: WeightFormat, shape: Sequence[int], half: bool) -> bool:
    """Whether a weight is stored in fewer bits than its arithmetic has: where that saves bytes.

    Args:
        planned: Its format.
        shape: Of the weight.
        half: Whether its arithmetic is float16.
    """
    if planned.kind == "float":
        return False
    return planned.stored_bytes(shape) + _RECORD_BYTES < math.prod(shape) * (2 if half else 4)


def stored_format(planned: WeightFormat, shape: Sequence[int], half: bool, ios: int) -> WeightFormat:
    """Return the format that a file holds for a planned one.

    Args:
        planned: As the plan gives it.
        shape: Of the weight.
        half: Whether the layer's arithmetic is float16.
        ios: Of the release whose operations the file has.
    """
    if planned.kind != "float" and is_stored_small(planned, shape, half):
        form = whole(planned, shape)
        if form.kind == "integer" and form.bits == 7:
            return replace(form, bits=8)
        return replace(form, bits=4) if form == WeightFormat("palette", 3) and ios < _BLOCKS_IOS else form
    if half:
        return planned if planned.kind == "float" else _FLOAT16
    return _FLOAT16 if planned == _FLOAT16 and ios > OLDEST_IOS else _FLOAT32


def whole(form: WeightFormat, shape: Sequence[int]) -> WeightFormat:
    """Return a format without a size that is the whole row, or all rows."""
    size = math.prod(shape[1:]) if form.kind == "integer" else shape[0]
    return replace(form, size=0) if form.size == size else form


def index_bits(bits: int) -> int:
    """Return the bits of places in a table of 2**bits values: Core ML has no places of 5 and 7."""
    return next(one for one in _INDEX_BITS if one >= bits)


def block_axis(form: WeightFormat, shape: Sequence[int]) -> int | None:
    """Return how many input channels share a scale; None where blocks end inside of a kernel.

    Args:
        form: An integer format with a size.
        shape: [outputs, inputs, ...] of the weight.
    """
    kernel = math.prod(shape[2:])
    return form.size // kernel if form.size % kernel == 0 else None


def unstorable(layer: PlannedLayer) -> str | None:
    """Return why Core ML can hold a layer's weight in no iOS, as a sentence; None where it can."""
    form = whole(layer.format, layer.shape)
    if form.kind != "integer" or not form.size or block_axis(form, layer.shape) is not None:
        return None
    kernel = " x ".join(str(size) for size in layer.shape[2:])
    return (
        f"{layer.name} is planned {layer.format}, and Core ML divides no kernel of {kernel} into blocks of "
        f"{form.size} weights: plan int{form.bits} for it, or blocks of a multiple of "
        f"{math.prod(layer.shape[2:])}."
    )
