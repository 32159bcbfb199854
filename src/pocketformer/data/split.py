"""Splitting labelled texts so that a text never stands on two sides and every label stands on both.

Iterative stratification (Sechidis, Tsoumakas, Vlahavas 2011): the label with the fewest texts left is dealt
out first, each text to the side that lacks most of that label. With one label per text this is an ordinary
stratified split.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pocketformer.data.examples import LabeledTexts, text_key
from pocketformer.errors import DataError, RecipeError

_REST, _HELD_OUT = 0, 1
_UNDECIDED = -1

_Ints = npt.NDArray[np.int64]
_Bools = npt.NDArray[np.bool_]


def split(data: LabeledTexts, fraction: float, seed: int) -> tuple[LabeledTexts, LabeledTexts]:
    """Return the rest and the held-out `fraction`, both in the order of `data`; the same for the same seed.

    Rows with the same `text_key` go to the same side. Each label is held out in its fraction, rounded, but
    with at least one text and never all; a label that only one text has stays in the rest. Where texts
    have several labels this is met as nearly as the texts allow.

    Raises:
        RecipeError: `fraction` is not between 0 and 1.
        DataError: No label has two different texts, so nothing can be held out.
    """
    if not 0 < fraction < 1:
        raise RecipeError(
            f"The fraction to hold out is {fraction}, expected more than 0 and less than 1, such as 0.1."
        )
    group_of_row = _groups(data.texts)
    has_label = np.zeros((group_of_row.max(initial=-1) + 1, len(data.labels)), dtype=np.bool_)
    np.logical_or.at(has_label, group_of_row, data.multi_hot())
    # Rows without any label are dealt out like one more label.
    has_label = np.column_stack([has_label, ~has_label.any(axis=1)])
    side = _stratified_sides(has_label, fraction, seed)
    held_out = side[group_of_row] == _HELD_OUT
    if not held_out.any():
        raise DataError(
            f"Nothing can be held out of {len(data):,} rows: no label has two different texts. Add rows."
        )
    return data.subset(~held_out), data.subset(held_out)


def without_overlap(train: LabeledTexts, held_out: LabeledTexts) -> tuple[LabeledTexts, int]:
    """Return `train` without the texts that `held_out` has too (by `text_key`), and how many rows went."""
    taken = {text_key(text) for text in held_out.texts}
    keep = np.array([text_key(text) not in taken for text in train.texts], dtype=np.bool_)
    return train.subset(keep), int(np.count_nonzero(~keep))


def _groups(texts: tuple[str, ...]) -> _Ints:
    """Return per row the number of its text, equal for rows with the same `text_key`."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(text_key(text), len(numbers)) for text in texts], dtype=np.int64)


def _stratified_sides(has_label: _Bools, fraction: float, seed: int) -> _Ints:
    """Return the side of each group; `has_label` is `[groups, labels]`."""
    # PCG64 by name: what `default_rng` stands for may change with numpy.
    order = np.random.Generator(np.random.PCG64(seed)).permutation(len(has_label))
    has_label = has_label[order]
    totals = has_label.sum(axis=0)
    to_hold = np.where(totals > 1, np.clip(np.rint(totals * fraction), 1, totals - 1), 0)
    wanted = np.stack([totals - to_hold, to_hold])
    side = np.full(len(has_label), _UNDECIDED, dtype=np.int64)
    while (undecided := side == _UNDECIDED).any():
        left = has_label[undecided].sum(axis=0)
        label = int(np.argmin(np.where(left > 0, left, len(side) + 1)))
        for group in np.flatnonzero(undecided & has_label[:, label]):
            side[group] = _HELD_OUT if wanted[_HELD_OUT, label] > wanted[_REST, label] else _REST
            wanted[side[group]] -= has_label[group]
    _put_on_both_sides(side, has_label)
    _leave_no_side_empty(side, has_label)
    unshuffled = np.empty_like(side)
    unshuffled[order] = side
    return unshuffled


def _put_on_both_sides(side: _Ints, has_label: _Bools) -> None:
    """Give labels that stand on one side with several groups one on the other, where no label loses by it."""
    totals = has_label.sum(axis=0)
    for label in np.argsort(totals, kind="stable"):
        of_label = np.flatnonzero(has_label[:, label])
        if len(of_label) < 2 or len(set(side[of_label].tolist())) == 2:
            continue
        source = side[of_label[0]]
        left_there = has_label[side == source].sum(axis=0)
        movable = [group for group in of_label if (left_there[has_label[group]] > 1).all()]
        if movable:
            side[movable[0]] = 1 - source


def _leave_no_side_empty(side: _Ints, has_label: _Bools) -> None:
    """Move one group over when all stand on one side: the one with the fewest labels that only it has.

    Few texts with many labels each can end so. A table in which no label has two groups stays as it is.
    """
    totals = has_label.sum(axis=0)
    shares = (has_label & (totals > 1)).any(axis=1)
    if len(set(side.tolist())) == 2 or not shares.any():
        return
    alone = (has_label & (totals == 1)).sum(axis=1)
    group = int(np.argmin(np.where(shares, alone, len(totals) + 1)))
    side[group] = 1 - side[group]
