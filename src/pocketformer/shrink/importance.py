"""How much each feed-forward neuron and attention head matters: what its absence costs, to first order.

Every unit is multiplied by a gate that is 1. The loss's derivative by a gate, which is the sum over the
tokens of activation times gradient, is by how much the loss changes to first order when the unit goes; its
absolute value, averaged over texts, is the unit's importance. For channels: Molchanov et al., "Pruning
convolutional neural networks for resource efficient inference" (2017), and "Importance estimation for neural
network pruning" (2019); for heads: Michel et al., "Are sixteen heads really better than one?" (2019).
All neurons and heads are measured in the same forward and backward passes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import nn

from pocketformer.checkpoint import Architecture, TextClassifier, attention_size, linear_at
from pocketformer.checkpoint.head import mean_pool
from pocketformer.train.batches import PaddingCollator, encode
from pocketformer.train.objective import Objective

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

    from pocketformer.data import LabeledTexts

__all__ = ["Importance", "LabelSource", "measure_importance"]

OnProgress = Callable[[float, str], None]
LabelSource = Literal["given", "predicted", "none"]

_LENGTH = 64
_BATCH = 32
_SEED = 0


@dataclass(frozen=True, slots=True, eq=False)
class Importance:
    """The importance of every unit of an encoder.

    Attributes:
        neurons: Of the feed-forward neurons, float64 `[layers, neurons]`.
        heads: Of the attention heads, float64 `[layers, heads]`.
        texts: How many were asked.
        labels: Whether the loss was against given labels, against the model's own predictions, or there was
            none: a bare encoder is asked how far its mean token state moves.
    """

    neurons: torch.Tensor
    heads: torch.Tensor
    texts: int
    labels: LabelSource

    def of_layers(self, layers: Sequence[int]) -> Importance:
        """Return what was found of some layers, counted from 0, in their order."""
        return replace(self, neurons=self.neurons[list(layers)], heads=self.heads[list(layers)])


def measure_importance(
    model: TextClassifier | PreTrainedModel,
    architecture: Architecture,
    tokenizer: PreTrainedTokenizerFast,
    texts: Sequence[str],
    labelled: LabeledTexts | None = None,
    count: int = 1000,
    on_progress: OnProgress | None = None,
) -> Importance:
    """Measure the neurons and heads of a model on some of the texts given, drawn evenly; it is left as it is.

    Args:
        model: The fine-tuned classifier; of a bare encoder, a random direction of the mean token state
            stands for the loss, another one for each text (so that the mean square over directions is the
            squared distance it moves: Hutchinson 1990).
        architecture: The encoder's; one whose layers' parts are known.
        tokenizer: The model's.
        texts: What it is for, without labels; the classifier's own prediction is then the label.
        labelled: Texts with labels, taken instead where their labels are the classifier's.
        count: Texts to ask at most; 64 tokens of each count.
        on_progress: Called with the fraction done, 0 to 1, and a short message.
    """
    targets = None
    if isinstance(model, TextClassifier) and labelled is not None and _fits(model, labelled):
        texts, targets = labelled.texts, labelled.targets
    chosen = _sample(len(texts), count)
    ids = encode(tokenizer, [texts[row] for row in chosen], _LENGTH)
    collate = PaddingCollator(input_ids=tokenizer.pad_token_id)
    random = torch.Generator().manual_seed(_SEED)
    order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
    sums: list[torch.Tensor] = []
    with _gated(model, architecture) as gates:
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            batch = collate([{"input_ids": ids[row]} for row in rows])
            gates.open(len(rows))
            labels = None if targets is None else torch.from_numpy(targets[chosen[rows]])
            found = torch.autograd.grad(_loss(model, batch, labels, random), gates.gates)
            changes = [gradient.abs().double().flatten(1).sum(dim=0) for gradient in found]
            sums = changes if not sums else [one + other for one, other in zip(sums, changes, strict=True)]
            if on_progress is not None:
                on_progress(min(1.0, (start + _BATCH) / len(order)), "measuring neurons and heads")
    source: LabelSource = "given" if targets is not None else "predicted"
    return Importance(
        neurons=torch.stack(sums[0::2]) / len(ids),
        heads=torch.stack(sums[1::2]) / len(ids),
        texts=len(ids),
        labels=source if isinstance(model, TextClassifier) else "none",
    )


def _loss(
    model: Any, batch: dict[str, torch.Tensor], labels: torch.Tensor | None, random: torch.Generator
) -> torch.Tensor:
    """Return the sum over the texts of their losses, so that the gradient of each text is its own."""
    if not isinstance(model, TextClassifier):
        states = mean_pool(model(**batch).last_hidden_state, batch["attention_mask"])
        signs = torch.randint(0, 2, states.shape, generator=random) * 2.0 - 1.0
        return (states * signs).sum()
    logits = model(**batch).logits
    if labels is None:
        own = logits.detach()
        labels = (own > 0).long() if model.multi_label else own.argmax(dim=1)
    return Objective(model.multi_label)(logits, labels) * len(logits)


class _Gates:
    """One gate per text and unit, in turn the neurons and the heads of each layer."""

    def __init__(self, widths: Sequence[int]) -> None:
        self._widths = widths
        self.gates: list[torch.Tensor] = []

    def open(self, texts: int) -> None:
        self.gates = [torch.ones(texts, 1, width, requires_grad=True) for width in self._widths]

    def hook(self, number: int, size: int) -> Callable[[Any, tuple[torch.Tensor]], tuple[torch.Tensor]]:
        """Return what multiplies a Linear's input `[texts, length, units * size]` by the units' gates."""

        def multiplied(_: Any, inputs: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
            return (inputs[0] * self.gates[number].repeat_interleave(size, dim=2),)

        return multiplied


@contextmanager
def _gated(model: nn.Module, architecture: Architecture) -> Iterator[_Gates]:
    """Put gates before the Linears that read the units; no gradient is taken of any weight."""
    encoder: Any = model.encoder if isinstance(model, TextClassifier) else model
    parts, size = architecture.parts, attention_size(encoder.config)
    assert parts is not None
    places: list[tuple[nn.Linear, int]] = []
    for layer in encoder.get_submodule(architecture.layers).children():
        places += [(linear_at(layer, parts.narrowing), 1), (linear_at(layer, parts.mixing), size.head_size)]
    gates = _Gates([linear.in_features // width for linear, width in places])
    learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    hooks = []
    try:
        for parameter in learned:
            parameter.requires_grad_(False)
        for number, (linear, width) in enumerate(places):
            hooks.append(linear.register_forward_pre_hook(gates.hook(number, width)))
        with torch.enable_grad():
            yield gates
    finally:
        for hook in hooks:
            hook.remove()
        for parameter in learned:
            parameter.requires_grad_(True)


def _fits(model: TextClassifier, labelled: LabeledTexts) -> bool:
    return (model.labels, model.multi_label) == (tuple(labelled.labels), labelled.multi_label)


def _sample(total: int, count: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return up to `count` different row numbers, ascending, in int64 `[texts]`."""
    order = np.random.Generator(np.random.PCG64(_SEED)).permutation(total)
    return np.sort(order[:count]).astype(np.int64)
