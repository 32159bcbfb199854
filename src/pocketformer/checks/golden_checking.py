"""Checking a file against golden vectors: equal ids, and scores within the tolerance of its precision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pocketformer.checks.golden import STATE_VALUES, Golden, GoldenCase
from pocketformer.checks.plans import plan_of
from pocketformer.checks.tolerances import tolerance_for
from pocketformer.errors import InputError
from pocketformer.prediction import TextModel

__all__ = ["GoldenMiss", "check_golden"]


@dataclass(frozen=True, slots=True)
class GoldenMiss:
    """One golden text on which a file is off."""

    case: int  # place among the cases, from 0
    content: bytes
    reason: str

    def __str__(self) -> str:
        """The sentence."""
        return f"Golden text {self.case} ({self.content[:40]!r}): {self.reason}"


def check_golden(model: TextModel, golden: Golden) -> tuple[GoldenMiss, ...]:
    """Run an open file over the golden texts, from their bytes.

    Args:
        model: A file of the edition, in any format.
        golden: What is expected.

    Returns:
        A miss for each text whose ids differ, or whose scores are further off than the precision allows.

    Raises:
        InputError: The file reads texts of other lengths.
    """
    metadata = model.card.metadata
    sizes = (tuple(metadata.get("lengths", ())), metadata.get("max_bytes"))
    if sizes != (golden.lengths, golden.max_bytes):
        raise InputError(
            f"{model.card.path} reads {sizes[1]} bytes and {list(sizes[0])} tokens; the golden texts of "
            f"{golden.edition!r} are for {golden.max_bytes} bytes and {list(golden.lengths)} tokens. "
            "Take both from the same edition."
        )
    plan = plan_of(model.card)
    limits = tolerance_for(plan)
    own = limits.unlabelled_error if golden.kind == "classifier" else limits.hidden_state_error
    allowed = golden.tolerance.get(plan.name, own)
    reasons = (_miss(model, case, allowed) for case in golden.cases)
    return tuple(
        GoldenMiss(number, golden.cases[number].content, reason)
        for number, reason in enumerate(reasons)
        if reason
    )


def _miss(model: TextModel, case: GoldenCase, tolerance: float) -> str:
    """Return what is wrong on one text; nothing when it is right."""
    tokens = model.tokenize(case.content)
    ids = tokens.input_ids[0, : tokens.count]
    if not np.array_equal(ids, case.input_ids):
        return f"its ids are {_shown(ids)}, expected {_shown(case.input_ids)}."
    _, outputs = model.run_tokens(tokens)
    if case.scores is not None:
        error = float(np.abs(outputs["scores"][0] - np.array(case.scores)).max())
        return (
            "" if error <= tolerance else f"a score is off by {error:.2g}, at most {tolerance:g} is allowed."
        )
    error = _state_error(outputs["last_hidden_state"][0, 0], case)
    return (
        "" if error <= tolerance else f"its state is off by {error:.2%}, at most {tolerance:.2%} is allowed."
    )


def _state_error(state: np.ndarray, case: GoldenCase) -> float:
    """Return the largest difference of the first values and the norm of a state, as a share of the norm."""
    assert case.state is not None  # a case without scores has a state
    assert case.state_norm is not None
    found = [*state[:STATE_VALUES].tolist(), float(np.linalg.norm(state))]
    return float(np.abs(np.subtract(found, [*case.state, case.state_norm])).max()) / case.state_norm


def _shown(ids: Sequence[int] | np.ndarray) -> str:
    return f"{[int(one) for one in ids[:12]]}{' …' if len(ids) > 12 else ''} ({len(ids)})"
