"""Which layers are worth most, asked of the dev texts without training: a linear probe for each choice.

Choices that begin with the same layers share what these compute, so all 20 choices of three layers out of six
cost about as much as six times the six layers, and no training.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations, takewhile
from math import comb
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from pocketformer.shrink.layers import chosen_layers, layer_list, set_layers
from pocketformer.train.batches import PaddingCollator, encode

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from pocketformer.checkpoint import TextClassifier
    from pocketformer.data import LabeledTexts

__all__ = ["LayerSearch", "pooled_states", "search_layers"]

Layers = tuple[int, ...]
OnProgress = Callable[[float, str], None]
Array = npt.NDArray[np.float32]

_PROBE_TEXTS = 1500
_PROBE_LENGTH = 64
_BATCH = 64
_ALL_TRIED = 64  # choices; of more, layers are left out one by one
_SHRINKAGE = 100.0  # of the probe's least squares, on states of unit variance


@dataclass(frozen=True, slots=True)
class LayerSearch:
    """What a search for layers found.

    Attributes:
        layers: The best choice, counted from 0.
        accuracy: Of its probe on the dev texts, 0 to 1.
        spaced_accuracy: Of the evenly spaced layers' probe.
        tried: Number of choices that were probed.
        texts: Dev texts that were asked.
    """

    layers: Layers
    accuracy: float
    spaced_accuracy: float
    tried: int
    texts: int

    def sentence(self) -> str:
        """Return it as a sentence."""
        return (
            f"The search probed {self.tried} choices of layers on {self.texts:,} dev texts: a linear probe "
            f"gets {self.accuracy:.1%} right on layers {', '.join(map(str, self.layers))}, and "
            f"{self.spaced_accuracy:.1%} on evenly spaced ones."
        )


def search_layers(
    model: TextClassifier,
    tokenizer: PreTrainedTokenizerFast,
    count: int,
    train: LabeledTexts,
    dev: LabeledTexts,
    on_progress: OnProgress | None = None,
) -> LayerSearch:
    """Return the `count` layers that are worth most on the dev texts.

    Up to 64 choices are all probed; of more, layers are left out one by one, each time the one without which
    the probe does best. The probe is a linear classifier, fitted by least squares to the pooled states of up
    to 1,500 training texts and scored on as many dev texts; among equals, the choice of lower layers wins.

    Args:
        model: The classifier whose layers they are; it is left as it is.
        tokenizer: Its tokenizer.
        count: How many to keep.
        train: Texts to fit the probe on.
        dev: Texts to score it on.
        on_progress: Called with the fraction done, 0 to 1, and a short message.

    Raises:
        RecipeError: More layers than there are.
    """
    total = len(layer_list(model.encoder, model.architecture.layers))
    spaced = chosen_layers(count, total, "spaced")
    probe = _Probe(model, tokenizer, _sample(train), _sample(dev), on_progress)
    if comb(total, count) <= _ALL_TRIED:
        probe.score(list(combinations(range(total), count)), 0.0, 1.0)
    else:
        kept = tuple(range(total))
        while len(kept) > count:
            choices = sorted(tuple(layer for layer in kept if layer != out) for out in kept)
            done = (total - len(kept)) / (total - count)
            probe.score(choices, done, done + 1 / (total - count))
            kept = max(choices, key=probe.accuracy.__getitem__)
        probe.score([spaced], 1.0, 1.0)
    found = {layers: score for layers, score in probe.accuracy.items() if len(layers) == count}
    best = max(found, key=found.__getitem__)
    return LayerSearch(best, found[best], found[spaced], len(probe.accuracy), len(probe.dev))


class _Probe:
    """Scores choices of layers; `accuracy` remembers them."""

    def __init__(
        self,
        model: TextClassifier,
        tokenizer: PreTrainedTokenizerFast,
        train: LabeledTexts,
        dev: LabeledTexts,
        on_progress: OnProgress | None,
    ) -> None:
        self.model, self.tokenizer, self.train, self.dev = model, tokenizer, train, dev
        self.accuracy: dict[Layers, float] = {}
        self._on_progress = on_progress

    def score(self, choices: Sequence[Layers], begin: float, end: float) -> None:
        """Probe choices in ascending order, while progress goes from one fraction to another."""
        choices = [layers for layers in choices if layers not in self.accuracy]
        parts = []
        for number, data in enumerate((self.train, self.dev)):
            half = (end - begin) / 2
            parts.append(self._pooled(data.texts, choices, begin + number * half, half))
        for number, layers in enumerate(choices):
            probe = make_pipeline(StandardScaler(), RidgeClassifier(alpha=_SHRINKAGE))
            probe.fit(parts[0][number], self.train.targets)
            right = probe.predict(parts[1][number]) == self.dev.targets
            self.accuracy[layers] = float((right.all(axis=1) if self.dev.multi_label else right).mean())

    def _pooled(
        self, texts: Sequence[str], choices: Sequence[Layers], begin: float, share: float
    ) -> list[Array]:
        """Return by choice the states the head would see, float32 `[texts, hidden]`."""
        collate = PaddingCollator(input_ids=self.tokenizer.pad_token_id)
        ids = encode(self.tokenizer, texts, _PROBE_LENGTH)
        order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
        pooled: list[Array] = []
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            batch = collate([{"input_ids": ids[row]} for row in rows])
            for number, states in enumerate(pooled_states(self.model, batch, choices)):
                if len(pooled) <= number:
                    pooled.append(np.empty((len(ids), states.shape[1]), np.float32))
                pooled[number][rows] = states
            if self._on_progress is not None:
                done = min(1.0, (start + _BATCH) / len(order))
                self._on_progress(begin + share * done, f"probing {len(choices)} choices of layers")
        return pooled


def pooled_states(
    model: TextClassifier, batch: dict[str, torch.Tensor], choices: Sequence[Layers]
) -> list[Array]:
    """Return the pooled states of a batch by choice, float32 `[batch, hidden]`; choices ascend."""
    path = model.architecture.layers
    every = layer_list(model.encoder, path)
    seen: list[torch.Tensor] = []
    hook = model.head.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    entrance = _Entrance(every[0])
    try:
        with torch.inference_mode():
            set_layers(model.encoder, [entrance], path)
            model(**batch)
            seen.clear()
            walked, outputs = [0], [entrance.output]
            for layers in choices:
                shared = _shared(walked, layers)
                del walked[shared:], outputs[shared:]
                for layer in layers[shared:]:
                    states = _states(outputs[-1]) if outputs else entrance.states
                    outputs.append(every[layer].forward(states, *entrance.others, **entrance.named))
                    walked.append(layer)
                set_layers(model.encoder, [_Replay(outputs[-1])], path)
                model(**batch)
    finally:
        hook.remove()
        set_layers(model.encoder, list(every), path)
    return [states.float().cpu().numpy() for states in seen]


class _Entrance(nn.Module):
    """Stands before the first layer, and keeps what that is called with and what it gives."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self._layer = layer
        self.states = torch.empty(0)
        self.others: tuple[Any, ...] = ()
        self.named: dict[str, Any] = {}
        self.output: Any = None

    def forward(self, states: torch.Tensor, *others: Any, **named: Any) -> Any:
        self.states, self.others, self.named = states, others, named
        self.output = self._layer.forward(states, *others, **named)
        return self.output


class _Replay(nn.Module):
    """Stands where the layers are, and gives what the last of some gave."""

    def __init__(self, output: Any) -> None:
        super().__init__()
        self._output = output

    def forward(self, *inputs: Any, **named: Any) -> Any:
        return self._output


def _states(output: Any) -> torch.Tensor:
    """Return the hidden states in a layer's output: a tensor, or the first part of a tuple or dictionary."""
    if isinstance(output, dict):
        output = next(iter(output.values()))
    states: torch.Tensor = output[0] if isinstance(output, tuple) else output
    return states


def _shared(walked: Sequence[int], layers: Layers) -> int:
    """Return how many layers two ways begin with alike."""
    alike = (one == other for one, other in zip(walked, layers, strict=False))
    return sum(takewhile(bool, alike))


def _sample(data: LabeledTexts) -> LabeledTexts:
    if len(data) <= _PROBE_TEXTS:
        return data
    order = np.random.Generator(np.random.PCG64(0)).permutation(len(data))
    return data.subset(np.sort(order[:_PROBE_TEXTS]))
