"""Numbers and noise that stand for the weights of a program while it is converted.

The converter holds a constant of one repeated number as that number, so a model of gigabytes is converted
in the memory of its graph: each large matrix gets a number of its own. A small one gets noise of its own,
which also shows what the converter has done to it. By either its place in the written file is found again,
and filled with the weights of one plan after another.
"""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pocketformer.plan.layers import LayerKind, WeightedModule
from pocketformer.targets.litert.layers import weighted_layers

if TYPE_CHECKING:
    from pocketformer.program import Program

__all__ = ["LEAST_ELEMENTS", "StandIn", "program_weights", "standing_in"]

LEAST_ELEMENTS = 1 << 16  # a smaller matrix costs the converter nothing
# Exact in float32 and different for every matrix, and no constant that a model would hold.
_FIRST, _STEP = 1 + 2.0**-13, 2.0**-12


@dataclass(frozen=True, slots=True, eq=False)
class StandIn:
    """What stands for one weight.

    Attributes:
        name: The checkpoint's name of its layer.
        kind: Of the layer.
        module: Its layer, which holds the true weight at any other time.
        seed: Different for each.
        repeated: Whether it is one number, `number`; otherwise it is `noise`.
    """

    name: str
    kind: LayerKind
    module: WeightedModule
    seed: int
    repeated: bool

    @property
    def weight(self) -> nn.Parameter:
        """The layer's weight."""
        weight = self.module.weight
        assert isinstance(weight, nn.Parameter)  # of what `program_weights` returns
        return weight

    @property
    def number(self) -> float:
        """The number that is repeated."""
        return _FIRST + self.seed * _STEP

    def noise(self, shape: Sequence[int]) -> NDArray[np.float32]:
        """Return the noise, of the weight's shape."""
        return np.random.default_rng(self.seed).standard_normal(tuple(shape), np.float32)


def program_weights(program: Program, least_elements: int = LEAST_ELEMENTS) -> tuple[StandIn, ...]:
    """Return what can stand for the weights of a program: numbers for those of `least_elements`, or noise."""
    modules = [
        (name, kind, module)
        for name, module, kind in weighted_layers(program)
        if isinstance(module.weight, nn.Parameter) and module.weight.dtype == torch.float32
    ]
    return tuple(
        StandIn(name, kind, module, seed, module.weight.numel() >= least_elements)
        for seed, (name, kind, module) in enumerate(modules)
    )


class _Kept:
    """The true weights while others stand for them."""

    def __init__(self, weights: Collection[StandIn], folder: Path) -> None:
        self._folder = folder
        self._weights = weights
        self._shapes = {one.seed: tuple(one.weight.shape) for one in weights}
        for one in weights:
            one.weight.detach().numpy().tofile(self._file(one))
            made = _repeated_number(one.number, one.weight.shape) if one.repeated else None
            one.weight.data = torch.from_numpy(one.noise(one.weight.shape)) if made is None else made

    def release(self) -> None:
        """Give back the memory of the stand-ins, once the converter has read them."""
        for one in self._weights:
            one.weight.data = torch.empty(0)

    def restore(self) -> None:
        """Put the true weights back into the program.

        They are mapped from their files, which the system keeps for as long as they are: what nobody reads
        takes no memory.
        """
        for one in self._weights:
            stored = np.memmap(self._file(one), np.float32, "c", shape=self._shapes[one.seed])
            one.weight.data = torch.from_numpy(stored)

    def _file(self, one: StandIn) -> Path:
        return self._folder / str(one.seed)


@contextmanager
def standing_in(weights: Collection[StandIn]) -> Iterator[_Kept]:
    """Let numbers and noise stand for weights for as long as the block runs; then they are what they were."""
    with tempfile.TemporaryDirectory() as folder:
        kept = _Kept(weights, Path(folder))
        try:
            yield kept
        finally:
            kept.restore()


def _repeated_number(number: float, shape: torch.Size) -> torch.Tensor:
    """Return a float32 matrix of one number, in memory of its own.

    Another format may keep the tensor that the weight was. Mapped memory goes back to the system at once
    when it is let go of, which that of ordinary tensors of this size does not.
    """
    memory = mmap.mmap(-1, shape.numel() * 4)
    return torch.frombuffer(memory, dtype=torch.float32).reshape(shape).fill_(number)
