"""The operations, one module per family; importing this registers them all."""

from pocketformer.targets.coreml.evaluator.operations import (
    activations,
    arithmetic,
    compressed,
    convolution,
    gathering,
    joining,
    linear,
    making,
    normalization,
    padding,
    quantization,
    reductions,
    reshaping,
    scattering,
    slicing,
    sorting,
)
from pocketformer.targets.coreml.evaluator.registry import KERNELS

__all__ = [
    "KERNELS",
    "activations",
    "arithmetic",
    "compressed",
    "convolution",
    "gathering",
    "joining",
    "linear",
    "making",
    "normalization",
    "padding",
    "quantization",
    "reductions",
    "reshaping",
    "scattering",
    "slicing",
    "sorting",
]
