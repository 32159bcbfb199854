"""Value range: how near a model's values come to where float16 ends, and which layers must stay in float32.

The model is run in float32 as it ships: at its fixed lengths, padding included, with the program's own mask.
An operation keeps to float16 when all it takes and gives does. So the layers to keep in float32 are those
that make a value out of range, and those that take one: cast to float16 on the way, it would be infinite.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from pocketformer.checkpoint import local_directory
from pocketformer.checks.headroom import (
    FLOAT16_MAX,
    SAFE_HEADROOM,
    LayerRange,
    OutOfRange,
    ValueRange,
)
from pocketformer.checks.outputs import Progress
from pocketformer.checks.watching import Operation, watch
from pocketformer.plan.names import is_inside
from pocketformer.program.on_ids import model_in, on_ids_module, plain_attention
from pocketformer.tokenizer import read_tokenizer, reference_ids

__all__ = ["DEFAULT_ROWS", "ValueRange", "measure_range", "value_range"]

#: Texts that are run at most, evenly spaced over those given.
DEFAULT_ROWS = 256

_BATCH = 16
_MASK = -1e30  # what is below this hides a token; no activation gets there


def value_range(
    source: str,
    texts: Sequence[str | bytes],
    lengths: Sequence[int],
    max_bytes: int,
    rows: int = DEFAULT_ROWS,
    on_progress: Progress | None = None,
) -> ValueRange:
    """Run a checkpoint over texts as its files would, and measure every operation's values.

    Args:
        source: Directory or hub id.
        texts: Real ones, of the kind the model is for.
        lengths: Tokens per id signature, ascending; each text runs at the shortest that holds it.
        max_bytes: Bytes of a text that count.
        rows: Texts to run at most, evenly spaced over `texts`.
        on_progress: Called with the fraction done and a short message.

    Raises:
        CheckpointError: The checkpoint cannot be used.
        TokenizerError: Its tokenizer cannot run inside a file.
    """
    chosen = [texts[row] for row in np.linspace(0, len(texts) - 1, min(rows, len(texts)), dtype=int)]
    tokenizer = read_tokenizer(local_directory(source))
    ids, mask = reference_ids(tokenizer, chosen, max_bytes, lengths[-1])
    module = on_ids_module(source)
    with plain_attention(module):
        batches = _batches(ids, mask, lengths, on_progress)
        return measure_range(module, model_in(module), batches)


def measure_range(module: nn.Module, model: nn.Module, batches: Iterable[Mapping[str, Tensor]]) -> ValueRange:
    """Run any module over batches and measure the values of every operation.

    Args:
        module: What is called, with each batch as its keyword arguments. Attention should be plain.
        model: The module, or the one inside it whose `named_modules()` name the layers.
        batches: Tensors by name, the texts along the first axis.
    """
    seen = _Seen()
    texts = 0
    with watch(model, seen.add):
        for batch in batches:
            module(**batch)
            texts += len(next(iter(batch.values())))
    weights = tuple(_weights_out_of_range(model))
    touched = seen.touched | {weight.layer for weight in weights}
    order = [name for name, _ in model.named_modules() if name in touched]
    if "" in touched and "" not in order:
        order.insert(0, "")
    return ValueRange(
        texts, tuple(seen.layers.values()), tuple(seen.masks.values()), weights, _outermost(order)
    )


class _Seen:
    """What the operations so far have shown."""

    def __init__(self) -> None:
        self.layers: dict[str, LayerRange] = {}
        self.masks: dict[tuple[str, str], OutOfRange] = {}
        self.touched: set[str] = set()

    def add(self, operation: Operation) -> None:
        largest = max((self._largest(operation, tensor) for tensor in operation.outputs), default=0.0)
        largest = max(largest, _variance(operation))
        for constant in operation.constants:
            if abs(constant) > FLOAT16_MAX:
                self._add_mask(operation, constant)
        known = self.layers.get(operation.layer)
        if operation.outputs and (known is None or largest > known.largest):
            self.layers[operation.layer] = LayerRange(operation.layer, operation.name, largest)
        # Until a value is out of range, nobody can have taken one.
        if _is_unsafe(largest) or (self.touched and self._takes_one(operation)):
            self.touched.add(operation.layer)

    def _largest(self, operation: Operation, values: Tensor) -> float:
        """Return the largest |value|, masks aside, which are remembered; inf where one is NaN."""
        low, high = (float(bound) for bound in torch.aminmax(values))
        if low < _MASK:
            self._add_mask(operation, low)
            return _extreme(_unmasked(values))
        return _extreme(values, low, high)

    def _add_mask(self, operation: Operation, value: float) -> None:
        key = (operation.layer, operation.name)
        if key not in self.masks or abs(value) > abs(self.masks[key].value):
            self.masks[key] = OutOfRange(*key, value)

    def _takes_one(self, operation: Operation) -> bool:
        return any(_is_unsafe(_extreme(_unmasked(values))) for values in operation.inputs)


def _unmasked(values: Tensor) -> Tensor:
    return values[~(values < _MASK)]  # so that a NaN stays


def _extreme(values: Tensor, low: float | None = None, high: float | None = None) -> float:
    if low is None or high is None:
        if not values.numel():
            return 0.0
        low, high = (float(bound) for bound in torch.aminmax(values))
    largest = max(abs(low), abs(high))
    return math.inf if math.isnan(low) or math.isnan(high) else largest


def _is_unsafe(largest: float) -> bool:
    return largest * SAFE_HEADROOM > FLOAT16_MAX


def _variance(operation: Operation) -> float:
    """Return the largest variance inside a layer norm, which gives only the root's reciprocal."""
    if operation.name != "aten.native_layer_norm" or len(operation.outputs) != 3:
        return 0.0
    smallest = float(operation.outputs[2].min())
    return 1 / smallest**2 if smallest else math.inf


def _weights_out_of_range(model: nn.Module) -> Iterator[OutOfRange]:
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if tensor.is_floating_point() and tensor.numel():
            low, high = (float(bound) for bound in torch.aminmax(tensor.detach()))
            furthest = low if abs(low) > abs(high) else high
            if not abs(furthest) <= FLOAT16_MAX:
                yield OutOfRange(name.rpartition(".")[0], name, furthest)


def _batches(
    ids: np.ndarray, mask: np.ndarray, lengths: Sequence[int], on_progress: Progress | None
) -> Iterator[dict[str, Tensor]]:
    """Yield batches of ids, mask and types, int32 [texts, length], each text at its shortest length."""
    counts = mask.sum(axis=1)
    done = 0
    for shorter, length in zip([0, *lengths], lengths, strict=False):
        rows = np.flatnonzero((counts > shorter) & (counts <= length))
        for start in range(0, len(rows), _BATCH):
            chosen = rows[start : start + _BATCH]
            batch = {"input_ids": ids[chosen, :length], "attention_mask": mask[chosen, :length]}
            tensors = {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in batch.items()}
            yield {**tensors, "token_type_ids": torch.zeros_like(tensors["input_ids"])}
            done += len(chosen)
            if on_progress is not None:
                on_progress(done / len(ids), f"{done:,} of {len(ids):,} texts")


def _outermost(layers: Sequence[str]) -> tuple[str, ...]:
    """Drop the layers inside others of the list."""
    return tuple(one for one in layers if not any(is_inside(one, other) for other in layers if other != one))
