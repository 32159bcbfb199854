"""How much each neuron and attention head matters: how far answers move without it, to first order.

Every unit is multiplied by a gate that is 1. The derivative of an output by a gate, which is the sum over the
tokens of activation times gradient, is what the output loses to first order when the unit goes; its absolute
value, averaged over texts, is the unit's importance. For channels: Molchanov et al., "Pruning convolutional
neural networks for resource efficient inference" (2017), and "Importance estimation for neural network
pruning" (2019); for heads: Michel et al., "Are sixteen heads really better than one?" (2019).

They take the loss as the output. But a fine-tuned model is sure of nearly all texts, so that its loss hardly
has a gradient, and a few texts decide. We take the logits, a random combination of them for each text, whose
mean square over combinations is the squared distance that the logits move (Hutchinson 1990). It needs no
labels, and it chooses better: a six-layer Banking77 teacher with 512 of 1,536 neurons is then at a divergence
of 0.19 from itself, by the loss 0.35, by the size of the weights 0.72, at random 1.09; with 6 of 12 heads at
0.02, 0.04, 0.40, 0.36. All units are measured in the same passes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from pocketformer.checkpoint import Architecture, TextClassifier, attention_size, linear_at
from pocketformer.checkpoint.head import mean_pool
from pocketformer.train.batches import PaddingCollator, encode

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

__all__ = ["Importance", "measure_importance"]

OnProgress = Callable[[float, str], None]

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
    """

    neurons: torch.Tensor
    heads: torch.Tensor
    texts: int

    def of_layers(self, layers: Sequence[int]) -> Importance:
        """Return what was found of some layers, counted from 0, in their order."""
        return replace(self, neurons=self.neurons[list(layers)], heads=self.heads[list(layers)])


def measure_importance(
    model: TextClassifier | PreTrainedModel,
    architecture: Architecture,
    tokenizer: PreTrainedTokenizerFast,
    texts: Sequence[str],
    count: int = 1000,
    on_progress: OnProgress | None = None,
) -> Importance:
    """Measure the neurons and heads of a model on some of the texts given, drawn evenly; it is left as it is.

    Args:
        model: The fine-tuned classifier; of a bare encoder, the mean token state stands for the logits.
        architecture: The encoder's; one whose layers' parts are known.
        tokenizer: The model's.
        texts: Of the kind it is for, without labels.
        count: Texts to ask at most; 64 tokens of each count.
        on_progress: Called with the fraction done, 0 to 1, and a short message.
    """
    ids = encode(tokenizer, [texts[row] for row in _sample(len(texts), count)], _LENGTH)
    collate = PaddingCollator(input_ids=tokenizer.pad_token_id)
    random = torch.Generator().manual_seed(_SEED)
    order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
    sums: list[torch.Tensor] = []
    with _gated(model, architecture) as gates:
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            batch = collate([{"input_ids": ids[row]} for row in rows])
            gates.open(len(rows))
            found = torch.autograd.grad(_combined(model, batch, random), gates.gates)
            changes = [gradient.abs().double().flatten(1).sum(dim=0) for gradient in found]
            sums = changes if not sums else [one + other for one, other in zip(sums, changes, strict=True)]
            if on_progress is not None:
                on_progress(min(1.0, (start + _BATCH) / len(order)), "measuring neurons and heads")
    return Importance(torch.stack(sums[0::2]) / len(ids), torch.stack(sums[1::2]) / len(ids), len(ids))


def _combined(model: Any, batch: dict[str, torch.Tensor], random: torch.Generator) -> torch.Tensor:
    """Return the sum over the texts of their outputs, each with a random sign."""
    output = model(**batch)
    if isinstance(model, TextClassifier):
        answers = output.logits
    else:
        answers = mean_pool(output.last_hidden_state, batch["attention_mask"])
    signs = torch.randint(0, 2, answers.shape, generator=random) * 2.0 - 1.0
    combined: torch.Tensor = (answers * signs).sum()
    return combined


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


def _sample(total: int, count: int) -> list[int]:
    """Return up to `count` different row numbers, ascending."""
    order = np.random.Generator(np.random.PCG64(_SEED)).permutation(total)
    return sorted(order[:count].tolist())
