"""Bisecting: the layer at which a file's values leave PyTorch's, found by comparing what both compute inside.

A file keeps no names of layers, and converters join, split, reorder and rescale operations. So PyTorch's
values are looked for among the file's by their numbers (`matching`), and two things have to be told apart:
a value that is wrong in the file, and one that the file does not have because it was joined into another.

What tells them apart is what came of the value. PyTorch's run is recorded operation by operation, with what
each was computed from (`recording`). If anything computed from a value is found in the file, the value was
right, whether it is seen or not. So the error of a value is the least error among it and all that was
computed from it. Along any path through the model this error never falls, is at the level of rounding up to
the first broken layer, and from there on is not: all that depends on a broken layer is wrong, and only that.
Layers beside it, such as the key beside a broken query, stay low since their own values are found. A layer
that is broken hides no other: the culprit is the first layer without layers inside, in the order they are
done, at which the error rises by `JUMP` over that of all layers before, and over the precision's rounding.
A part that was cut out of a value (the state of one token) clears nothing but itself. Errors are relative to
how a value varies along its last axis, because a softmax over many places looks alike whatever is wrong.

Where there is no such step, as in a healthy quantised file whose error grows little by little, there is no
culprit.
In a file of few bits a layer can be badly wrong while some of what came of it, where a residual carries most
of the numbers, is off by little more than rounding. So, where no layer is found this way, the first one is
blamed whose own value is off by more than `JUMP` times what it took, and `JUMP` times the same layer of
another block: that one shows that the file has such values.

One thing more: converters multiply the weight of a layer norm into the matrix behind it, so that a file has
this norm twice, once for the matrix and once for the residual sum. A norm that is broken in the sum alone is
right by what else came of it. A sum needs its terms as they are, though: if a culprit took a sum of which one
term is not found, the layer that gave the term is the culprit.

What is not found this way: a bug outside of all layers (a residual sum, a mask) is put down to the next layer
with the last one before it that was right, and one that shows only on padding shows only for a text shorter
than the signature.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from pocketformer.checkpoint import (
    is_classifier,
    load_classifier,
    load_encoder,
    local_directory,
    require_supported,
)
from pocketformer.checks.matching import NO_MATCH, Match, best_matches
from pocketformer.checks.parity import as_tokens
from pocketformer.checks.recording import ModuleOutput, Recording, record
from pocketformer.checks.tolerances import tolerance_for
from pocketformer.prediction import TextModel, Tokens
from pocketformer.program.on_ids import plain_attention
from pocketformer.tokenizer import read_tokenizer, reference_ids

__all__ = ["JUMP", "LayerCurve", "LayerRow", "layer_errors"]

#: By how much the error rises at a broken layer, at least.
JUMP = 4.0

#: Texts among which the one with the largest error is chosen.
_TEXTS = 32

# By how much the least error rises at a layer that is blamed for its own value.
_RISE = 1.2

# A precision's rounding, as a share of what an encoder's states may be off by as a whole.
_ROUNDING = 0.1


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One layer of the curve.

    Attributes:
        layer: As in `model.named_modules()` of the checkpoint.
        type: Its class.
        is_leaf: It has no layers inside.
        error: Least relative error among its value and all that was computed from it.
        own_error: Of its own value; large where the file does not have that value.
        tensor: The file's name of the tensor nearest to its value; "" where none has its size.
    """

    layer: str
    type: str
    is_leaf: bool
    error: float
    own_error: float
    tensor: str


@dataclass(frozen=True, slots=True)
class LayerCurve:
    """How the error grows from layer to layer.

    Attributes:
        text: The text that was run: the one on which the file is furthest off.
        signature: The file's signature that was run.
        rows: The layers in the order they are done.
        culprit: The layer at which the error jumps; None when it does not.
        step: The layer with the largest rise over those before it, the culprit if there is one.
        before: The error before that step.
        after: The error from there on.
        last_good: The last layer done before it whose value was found; None when there is none.
    """

    text: str
    signature: str
    rows: tuple[LayerRow, ...]
    culprit: str | None
    step: str
    before: float
    after: float
    last_good: str | None

    @property
    def leaves(self) -> tuple[LayerRow, ...]:
        """The layers without layers inside."""
        return tuple(row for row in self.rows if row.is_leaf)

    @property
    def jump(self) -> float:
        """How many times larger the error is from the step on."""
        return self.after / self.before if self.before else float("inf")

    def __str__(self) -> str:
        """The finding, in a sentence."""
        kind = next(row.type for row in self.rows if row.layer == self.step)
        if self.culprit is None:
            return (
                f"No layer stands out: the error grows to {self.rows[-1].error:.2g}, with its largest step, "
                f"from {self.before:.2g} to {self.after:.2g}, at {self.step} ({kind})."
            )
        good = f"; the last layer that agrees is {self.last_good}" if self.last_good else ""
        return f"The error jumps from {self.before:.2g} to {self.after:.2g} at {self.culprit} ({kind}){good}."


def layer_errors(model: TextModel, source: str, texts: Sequence[str | bytes]) -> LayerCurve:
    """Compare the values inside an open file with those of its checkpoint, run by transformers.

    Args:
        model: An open file of any format whose session can trace.
        source: The checkpoint it was exported from.
        texts: The one on which the file is furthest off is looked into, of the first 32; it is run through
            the shortest id signature that holds it.

    Raises:
        CheckpointError: The checkpoint cannot be used.
        InputError: The file takes no token ids.
    """
    reference = _Reference(source, model)
    text, tokens = max(
        ((text, reference.tokens(text)) for text in texts[:_TEXTS]), key=lambda pair: reference.error(pair[1])
    )
    signature = model.signature_for(tokens.count)
    length = model.length_for(signature, tokens.count)
    with plain_attention(reference.model):
        recording = record(reference.model, reference.inputs(tokens))
    tensors = list(model.session.trace(signature, tokens.cut(length)))
    arrays = {place: value.array for place, value in enumerate(recording.values)}
    matches = best_matches(
        {place: array for place, array in arrays.items() if array is not None},
        tensors,
        length,
        tokens.count,
        reference.scales,
    )
    precision = str(model.card.metadata.get("precision", "fp32"))
    finding = _Finding(recording, matches, tolerance_for(precision).hidden_state_error)
    shown = text if isinstance(text, str) else text.decode("utf-8", "replace")
    return LayerCurve(shown, signature, finding.rows, **finding.step())


class _Reference:
    """The checkpoint, as transformers runs it: its own embeddings and masks, without padding."""

    def __init__(self, source: str, model: TextModel) -> None:
        self._file = model
        self._tokenizer = read_tokenizer(local_directory(source))
        classifier = load_classifier(source) if is_classifier(source) else None
        encoder = load_encoder(source) if classifier is None else classifier.encoder
        self.model: nn.Module = classifier or encoder
        self._config = encoder.config
        self._takes_types = require_supported(self._config.model_type, source).takes_token_types

    @property
    def scales(self) -> tuple[float, ...]:
        """One, and by what converters multiply queries and keys instead of their product."""
        width = getattr(self._config, "true_hidden_size", None) or self._config.hidden_size
        per_head = float(width / self._config.num_attention_heads)
        return (1.0, per_head**-0.25, per_head**-0.5)

    def tokens(self, text: str | bytes) -> Tokens:
        metadata = self._file.card.metadata
        ids, mask = reference_ids(self._tokenizer, [text], metadata["max_bytes"], max(metadata["lengths"]))
        return as_tokens(ids[0], mask[0])

    def inputs(self, tokens: Tokens) -> dict[str, torch.Tensor]:
        ids = torch.from_numpy(tokens.input_ids[:, : tokens.count].astype(np.int64))
        inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        return {**inputs, "token_type_ids": torch.zeros_like(ids)} if self._takes_types else inputs

    def error(self, tokens: Tokens) -> float:
        """Return how far the file's answer is off, relative to PyTorch's; inf where it is no number."""
        with torch.inference_mode():
            output = self.model(**self.inputs(tokens))
        _, found = self._file.run_tokens(tokens)
        name = "logits" if "logits" in found else "last_hidden_state"
        expected = output[name][0].numpy()
        actual = found[name][0] if name == "logits" else found[name][0, : tokens.count]
        error = float(np.linalg.norm(actual - expected) / max(float(np.linalg.norm(expected)), 1e-12))
        return float("inf") if np.isnan(error) else error


@dataclass(frozen=True, slots=True)
class _Step:
    row: LayerRow
    before: float
    last_good: str | None


class _Finding:
    """The curve of one run, and what it says.

    Args:
        recording: PyTorch's run.
        matches: The file's nearest tensor for each of its values.
        allowed: What an encoder's states may be off by, as a whole, in the file's precision.
    """

    def __init__(self, recording: Recording, matches: Mapping[int, Match], allowed: float) -> None:
        self._values = recording.values
        self._matches = matches
        self._allowed = allowed
        self._errors = self._least_errors()
        self._modules = {
            module.layer: module
            for module in recording.modules
            if module.layer and module.values and not self._hands_on(module)
        }
        self.rows = tuple(self._row(module) for module in self._modules.values())

    def _hands_on(self, module: ModuleOutput) -> bool:
        """Whether a layer gives what it took, as dropout does: nothing in it could be wrong."""
        return module.is_leaf and all(self._values[place].layer != module.layer for place in module.values)

    def step(self) -> dict[str, Any]:
        """Return the largest step of the curve, and whether it is a culprit's."""
        steps = list(self._steps())
        found = next((step for step in steps if self._jumps(step)), None)
        if found is not None:
            culprit: str | None = self._term_behind(found.row.layer) or found.row.layer
        else:
            found = next((step for step in steps if self._jumps_alone(step)), None)
            culprit = None if found is None else found.row.layer
        step = found or max(steps, key=lambda one: one.row.error - one.before)
        return {
            "culprit": culprit,
            "step": culprit or step.row.layer,
            "before": step.before,
            "after": step.row.error,
            "last_good": step.last_good,
        }

    def _steps(self) -> Iterator[_Step]:
        before, good = 0.0, None
        for row in (row for row in self.rows if row.is_leaf):
            yield _Step(row, before, good)
            before = max(before, row.error)
            good = row.layer if row.own_error <= self._allowed else good

    def _jumps(self, step: _Step) -> bool:
        """Whether all that came of a layer is off by much more than what came of the layers before."""
        return step.row.error > JUMP * max(step.before, self._allowed * _ROUNDING)

    def _jumps_alone(self, step: _Step) -> bool:
        """Whether a layer itself is off by much more than what it took, and than others of its kind."""
        own = step.row.own_error
        taken = [
            self._matches[place].error
            for place in self._modules[step.row.layer].taken
            if place in self._matches
        ]
        kind = _kind(step.row.layer)
        others = [row.own_error for row in self.rows if _kind(row.layer) == kind and row is not step.row]
        return (
            step.row.error > _RISE * step.before
            and own > self._allowed
            and bool(taken and others)
            and own > JUMP * max(taken)
            and own > JUMP * min(others)
        )

    def _term_behind(self, layer: str) -> str | None:
        """Return the layer that gave a term, not found in the file, of a sum that a culprit took."""
        taken = self._modules[layer].taken
        sums = [place for place in taken if self._values[place].operation == "aten.add"]
        terms = {term for place in sums if self._is_lost(place) for term in self._values[place].sources}
        lost = {term for term in terms if self._is_lost(term)}
        return next(
            (one.layer for one in self._modules.values() if one.is_leaf and lost & set(one.values)), None
        )

    def _is_lost(self, place: int) -> bool:
        return place in self._matches and self._matches[place].error > self._allowed

    def _row(self, module: ModuleOutput) -> LayerRow:
        """Return the row of a layer; of several values the worst."""
        worst = max(module.values, key=lambda place: self._errors[place])
        match = self._matches.get(worst, NO_MATCH)
        return LayerRow(
            module.layer, module.type, module.is_leaf, self._errors[worst], match.error, match.name
        )

    def _least_errors(self) -> list[float]:
        """Return, for each value, the least error among it and all that was computed from it."""
        values = self._values
        errors = [self._matches.get(place, NO_MATCH).error for place in range(len(values))]
        # What a value was computed from stands before it.
        for place in range(len(values) - 1, -1, -1):
            if not values[place].is_part:
                for source in values[place].sources:
                    errors[source] = min(errors[source], errors[place])
        return errors


def _kind(layer: str) -> str:
    """Return what layers of the same place in different blocks share."""
    return re.sub(r"\d+", "*", layer)
