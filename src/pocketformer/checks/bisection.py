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

Some layers make an error larger that they have no part in: logits that are nearly equal are the small
difference of large numbers. How much a layer does so is known from a second run of PyTorch with a little
noise on the embeddings, and that much of a rise is nobody's fault.

Where there is no such step, as in a healthy quantised file whose error grows little by little, there is no
culprit, with one exception. In a file of few bits a layer can be badly wrong while some of what came of it,
where a residual carries most of the numbers, is off by little more than rounding. So, where no layer is found
this way, the first one is blamed whose own value is off by more than `JUMP` times what it took, and `JUMP`
times the same layer of another block: that one shows that the file has such values.

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

from pocketformer.checks.layer_curve import LayerRow
from pocketformer.checks.matching import NO_MATCH, Match
from pocketformer.checks.recording import ModuleOutput, Recording

__all__ = ["JUMP", "Bisection"]

#: By how much the error rises at a broken layer, at least.
JUMP = 4.0

# By how much the least error rises at a layer that is blamed for its own value.
_RISE = 1.2

# A precision's rounding, as a share of what an encoder's states may be off by as a whole.
_ROUNDING = 0.1


@dataclass(frozen=True, slots=True)
class _Step:
    row: LayerRow
    before: float
    last_good: str | None


class Bisection:
    """The curve of one run, and what it says.

    Args:
        recording: PyTorch's run.
        matches: The file's nearest tensor for each of its values.
        allowed: What an encoder's states may be off by, as a whole, in the file's precision.
        noise: How far each value of the recording is off when a little noise is put on the embeddings.

    Attributes:
        rows: The layers in the order they are done.
    """

    def __init__(
        self, recording: Recording, matches: Mapping[int, Match], allowed: float, noise: Sequence[float]
    ) -> None:
        self._values = recording.values
        self._matches = matches
        self._allowed = allowed
        self._noise = noise
        self._errors = self._least_errors()
        self._modules = {
            module.layer: module
            for module in recording.modules
            if module.layer and module.values and not self._hands_on(module)
        }
        self.rows: tuple[LayerRow, ...] = tuple(self._row(module) for module in self._modules.values())

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
        least = JUMP * max(step.before, self._allowed * _ROUNDING)
        return step.row.error > least * self._gain(step.row.layer)

    def _gain(self, layer: str) -> float:
        """Return by how much a layer makes any error larger, 1 or more."""
        module = self._modules[layer]
        taken = max((self._noise[place] for place in module.taken), default=0.0)
        return max(1.0, max(self._noise[place] for place in module.values) / taken) if taken else 1.0

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
            and own > JUMP * max(taken) * self._gain(step.row.layer)
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
