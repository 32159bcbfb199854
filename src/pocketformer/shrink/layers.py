"""Keeping some of an encoder's layers: evenly spaced ones, the first, the last, or those that do best."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from torch import nn

from pocketformer.errors import RecipeError
from pocketformer.train.batches import PaddingCollator, encode
from pocketformer.train.metrics import scores

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

    from pocketformer.checkpoint import TextClassifier
    from pocketformer.data import LabeledTexts

__all__ = ["best_layers", "chosen_layers", "keep_layers", "layer_list"]

_PROBE_TEXTS = 1500
_PROBE_LENGTH = 64
_BATCH = 64


def chosen_layers(count: int, total: int, choose: str) -> tuple[int, ...]:
    """Return which `count` of `total` layers to keep, counted from 0.

    `first` and `last` are what they say. `spaced` cuts the encoder into `count` parts and keeps the last
    layer of each, so the last one of all is always among them: 3 of 6 are 1, 3, 5.

    Raises:
        RecipeError: More layers than there are.
    """
    if not 1 <= count <= total:
        raise RecipeError(
            f"{count} layers were asked for, but the encoder has {total}; ask for 1 to {total}."
        )
    if choose == "first":
        return tuple(range(count))
    if choose == "last":
        return tuple(range(total - count, total))
    return tuple(round((part + 1) * total / count) - 1 for part in range(count))


def keep_layers(encoder: PreTrainedModel, layers: Sequence[int], path: str) -> None:
    """Leave an encoder with the layers named, in that order, in place.

    Args:
        encoder: Its configuration gets the new number of layers.
        layers: Counted from 0.
        path: Of the encoder's list of layers.

    Raises:
        RecipeError: A layer that there is not.
    """
    found = layer_list(encoder, path)
    if not layers or not all(0 <= layer < len(found) for layer in layers) or len(set(layers)) < len(layers):
        raise RecipeError(
            f"The layers {list(layers)} were asked for; give different numbers from 0 to {len(found) - 1}."
        )
    _set_layers(encoder, [found[layer] for layer in layers], path)


def layer_list(encoder: nn.Module, path: str) -> nn.ModuleList:
    """Return an encoder's list of layers."""
    found = encoder.get_submodule(path)
    assert isinstance(found, nn.ModuleList)
    return found


def best_layers(
    model: TextClassifier,
    tokenizer: PreTrainedTokenizerFast,
    count: int,
    train: LabeledTexts,
    dev: LabeledTexts,
    on_progress: Callable[[float, str], None] | None = None,
) -> tuple[int, ...]:
    """Return the `count` layers, counted from 0, that are worth most on the dev texts; nothing is trained.

    From all layers, one after the other is left out: the one without which a linear probe does best. The
    probe is a logistic regression on the pooled states of up to 1,500 training texts, scored by its dev
    accuracy.

    Args:
        model: The classifier whose layers they are; it is left as it is.
        tokenizer: Its tokenizer.
        count: How many to keep.
        train: Texts to fit the probe on.
        dev: Texts to score it on.
        on_progress: Called with the fraction done, 0 to 1, and a short message.
    """
    path = model.architecture.layers
    every = layer_list(model.encoder, path)
    kept = tuple(range(len(every)))
    chosen_layers(count, len(kept), "first")  # refuses a count that cannot be
    samples = [_sample(part) for part in (train, dev)]
    rounds = sum(range(count + 1, len(kept) + 1))
    done = 0
    try:
        while len(kept) > count:
            found = []
            for left_out in kept:
                rest = tuple(layer for layer in kept if layer != left_out)
                _set_layers(model.encoder, [every[layer] for layer in rest], path)
                found.append((_probe(model, tokenizer, *samples), rest))
                done += 1
                if on_progress is not None:
                    on_progress(done / rounds, f"layers {', '.join(map(str, rest))}: {found[-1][0]:.1%}")
            kept = max(found, key=lambda entry: entry[0])[1]
    finally:
        _set_layers(model.encoder, list(every), path)
    return kept


def _set_layers(encoder: PreTrainedModel, layers: Sequence[nn.Module], path: str) -> None:
    parent, _, name = path.rpartition(".")
    setattr(encoder.get_submodule(parent), name, nn.ModuleList(layers))
    encoder.config.num_hidden_layers = len(layers)


def _sample(data: LabeledTexts) -> LabeledTexts:
    if len(data) <= _PROBE_TEXTS:
        return data
    order = np.random.Generator(np.random.PCG64(0)).permutation(len(data))
    return data.subset(np.sort(order[:_PROBE_TEXTS]))


def _probe(
    model: TextClassifier, tokenizer: PreTrainedTokenizerFast, train: LabeledTexts, dev: LabeledTexts
) -> float:
    """Return the dev accuracy of a linear probe on the classifier's pooled states."""
    probe = LogisticRegression(max_iter=200)
    if train.multi_label:
        probe = OneVsRestClassifier(probe)
    probe.fit(_pooled(model, tokenizer, train.texts), train.targets)
    states = _pooled(model, tokenizer, dev.texts)
    if train.multi_label:
        return scores(probe.predict_proba(states), dev.targets, True, threshold=0.5).accuracy
    return float((probe.predict(states) == dev.targets).mean())


def _pooled(
    model: TextClassifier, tokenizer: PreTrainedTokenizerFast, texts: Sequence[str]
) -> npt.NDArray[np.float32]:
    """Return the states the head sees, float32 `[texts, hidden]`."""
    seen: list[torch.Tensor] = []
    hook = model.head.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    collate = PaddingCollator(input_ids=tokenizer.pad_token_id)
    ids = encode(tokenizer, texts, _PROBE_LENGTH)
    order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
    try:
        with torch.inference_mode():
            for start in range(0, len(order), _BATCH):
                model(**collate([{"input_ids": ids[row]} for row in order[start : start + _BATCH]]))
    finally:
        hook.remove()
    pooled = np.empty((len(ids), seen[0].shape[1]), np.float32)
    pooled[order] = torch.cat(seen).float().cpu().numpy()
    return pooled
