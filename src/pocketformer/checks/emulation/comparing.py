"""Holding a file's answers on an emulated processor against those here and against PyTorch's."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pocketformer.checks.emulation.answers import Answers
from pocketformer.checks.emulation.processors import Processor
from pocketformer.checks.emulation.result import ProcessorVerdict
from pocketformer.checks.tolerances import Tolerance, planned_tolerance_for, tolerance_for
from pocketformer.plan import Plan

__all__ = ["Expected", "compare_answers", "differences", "is_near"]

_SHOWN_CHARACTERS = 60
_SHOWN_LABELS = 3


@dataclass(frozen=True, slots=True)
class Expected:
    """What PyTorch with Hugging Face's tokenizer makes of the same texts.

    Attributes:
        texts: UTF-8 bytes.
        classified: For each text whether its outputs are compared too, or only its ids.
        ids: For each text the token ids, without padding.
        values: float32 [classified texts, values], as in `Answers`.
        encoder: The values are of a hidden state, and there are no labels.
        labelled: The texts are labelled rows, of the kind that the model was trained for.
    """

    texts: tuple[bytes, ...]
    classified: tuple[bool, ...]
    ids: tuple[tuple[int, ...], ...]
    values: np.ndarray
    encoder: bool
    labelled: bool


def compare_answers(
    plan: Plan, expected: Expected, here: Answers, there: Answers, processor: Processor, emulator: str
) -> ProcessorVerdict:
    """Return what was found of a file on an emulated processor.

    The difference to this machine must keep the limit that a file has to PyTorch with the plan's weights, on
    any texts: arithmetic alone is left to differ. The error to PyTorch in float32 must keep the file's usual
    limit.

    Args:
        plan: Of the file.
        expected: PyTorch's answers.
        here: This machine's.
        there: The emulated processor's.
        processor: That processor.
        emulator: What emulated it.
    """
    wrong = [row for row, ids in enumerate(there.ids) if ids != expected.ids[row]]
    to_here, to_pytorch = differences(there.values, here.values), differences(there.values, expected.values)
    compared = [text for text, asked in zip(expected.texts, expected.classified, strict=True) if asked]
    worst = int(to_here.max(axis=1).argmax())
    relative_here = float(_relative(to_here, here.values).mean())
    relative_pytorch = float(_relative(to_pytorch, expected.values).mean())
    arithmetic = _arithmetic(plan)
    misses = [
        *_id_misses(wrong, expected.texts),
        *_misses("this machine", to_here, relative_here, arithmetic, arithmetic.mean_relative_error),
        *_misses(
            "PyTorch",
            to_pytorch,
            relative_pytorch,
            tolerance_for(plan),
            _relative_limit(tolerance_for(plan), expected),
        ),
    ]
    changed: list[_Changed] = []
    if not expected.encoder:
        changed = _changed_labels(here, there, arithmetic.mean_relative_error, compared)
        misses += _first_of([one.sentence for one in changed if not one.tie])
    return ProcessorVerdict(
        architecture="arm64",
        processor=processor.name,
        features=there.features,
        emulator=emulator,
        runtime=there.runtime,
        here=platform.machine().replace("_", "-"),
        texts=len(expected.texts),
        token_mismatches=len(wrong),
        classified=len(compared),
        labels_equal=None if expected.encoder else len(compared) - len(changed),
        max_difference=float(to_here.max()),
        mean_relative_difference=relative_here,
        max_error=float(to_pytorch.max()),
        mean_relative_error=relative_pytorch,
        worst_text=_shown(compared[worst]),
        seconds=there.seconds,
        misses=tuple(misses),
        ties=tuple(_first_of([one.sentence for one in changed if one.tie])),
    )


def differences(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return |difference| of two arrays of values; infinity where one is no number."""
    found = np.abs(values.astype(np.float64) - others)
    return np.where(np.isfinite(found), found, np.inf)


def is_near(plan: Plan, here: Answers, there: Answers) -> bool:
    """Whether a file's values on another processor keep the limits to those on this machine."""
    error = differences(there.values, here.values)
    relative = float(_relative(error, here.values).mean())
    arithmetic = _arithmetic(plan)
    return not _misses("this machine", error, relative, arithmetic, arithmetic.mean_relative_error)


def _arithmetic(plan: Plan) -> Tolerance:
    return planned_tolerance_for(plan, half=False)


def _relative_limit(tolerance: Tolerance, expected: Expected) -> float:
    if expected.encoder:
        return tolerance.hidden_state_error
    return tolerance.mean_relative_error if expected.labelled else tolerance.unlabelled_error


def _relative(error: np.ndarray, reference: np.ndarray) -> np.ndarray:
    return np.asarray(error.max(axis=1) / np.maximum(np.abs(reference).max(axis=1), 1e-12))


def _id_misses(wrong: Sequence[int], texts: Sequence[bytes]) -> list[str]:
    if not wrong:
        return []
    return [
        f"Token ids differ from Hugging Face's in {len(wrong):,} of {len(texts):,} texts, first in "
        f"{_shown(texts[wrong[0]])!r}."
    ]


def _misses(other: str, error: np.ndarray, relative: float, tolerance: Tolerance, limit: float) -> list[str]:
    found = []
    largest = float(error.max())
    if tolerance.max_logit_error is not None and not largest <= tolerance.max_logit_error:
        found.append(
            f"The largest difference to {other} is {largest:.2g}, at most {tolerance.max_logit_error:.2g} is "
            "allowed."
        )
    if not relative <= limit:
        found.append(
            f"The mean relative difference to {other} is {relative:.2%}, at most {limit:.2%} is allowed."
        )
    return found


@dataclass(frozen=True, slots=True)
class _Changed:
    """A label that changed, and whether the allowed error may have changed it."""

    sentence: str
    tie: bool


def _changed_labels(here: Answers, there: Answers, limit: float, texts: Sequence[bytes]) -> list[_Changed]:
    found = []
    for row in np.flatnonzero(there.values.argmax(axis=1) != here.values.argmax(axis=1)).tolist():
        logits = here.values[row]
        lead = float(logits.max() - logits[there.values[row].argmax()])
        sentence = f"The label of {_shown(texts[row])!r} changed, which led by {lead:.2g} on this machine."
        # Each of the two logits may move by the limit, one up and one down.
        found.append(_Changed(sentence, lead <= 2 * limit * float(np.abs(logits).max())))
    return found


def _first_of(sentences: Sequence[str]) -> list[str]:
    more = len(sentences) - _SHOWN_LABELS
    return [*sentences[:_SHOWN_LABELS], *([f"{more} more labels changed."] if more > 0 else [])]


def _shown(text: bytes) -> str:
    return text.decode("utf-8", "replace")[:_SHOWN_CHARACTERS]
