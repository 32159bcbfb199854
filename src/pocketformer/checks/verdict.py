"""The verdict on one saved file: parity and quality held against the tolerances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pocketformer.checks.encoders import compare_encoder
from pocketformer.checks.outputs import Outputs, Progress, log_scores, run_file, run_ids
from pocketformer.checks.parity import Parity, compare, mean_relative_error
from pocketformer.checks.plans import computes_in_half, plan_of
from pocketformer.checks.tolerances import Tolerance, planned_tolerance_for, tolerance_for
from pocketformer.plan import Plan
from pocketformer.prediction import TextModel
from pocketformer.prediction import open as open_model
from pocketformer.targets import target_of
from pocketformer.train import Metrics, scores

#: What a file that missed its tolerance has behind its name.
REJECTED_SUFFIX = ".rejected"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found of a file, and in what it missed its tolerance.

    Attributes:
        quality: Of the file on the held-out rows; None when the texts had no labels.
        reference_quality: Of PyTorch on the same rows.
        misses: A sentence per limit that was missed; empty for a file that passed.
        planned_error: Mean relative logit error against PyTorch with the weights that the plan gives it: what
            arithmetic adds to the plan; None where it was not measured.
        golden_texts: How many golden texts the file was asked; 0 where the edition has none.
        golden_misses: On how many of them it was off.
    """

    path: str
    precision: str
    tolerance: Tolerance
    parity: Parity
    quality: Metrics | None
    reference_quality: Metrics | None
    misses: tuple[str, ...]
    planned_error: float | None = None
    golden_texts: int = 0
    golden_misses: int = 0

    @property
    def passed(self) -> bool:
        """Whether the file kept all its limits."""
        return not self.misses


def judge(
    path: Path,
    texts: Sequence[str],
    reference: Outputs,
    targets: np.ndarray | None = None,
    on_progress: Progress | None = None,
    planned: Outputs | None = None,
) -> tuple[Verdict, Outputs]:
    """Run a saved file over texts, compare it with PyTorch, and hold it against its tolerance.

    Args:
        path: The model file.
        texts: Real texts, the held-out rows by preference.
        reference: What PyTorch made of the same texts.
        targets: The rows' targets as in `LabeledTexts.targets`; None when they have none.
        on_progress: Called with the fraction done and a short message.
        planned: What PyTorch with the weights of the file's plan made of them; None does not ask.

    Returns:
        The verdict, and the file's outputs.
    """
    model = open_model(path)
    if model.takes_text:
        file = run_file(model, texts, on_progress)
    else:
        file = run_ids(model, reference, on_progress)
        reference = replace(reference, logits=log_scores(reference.scores))
    plan = plan_of(model.card)
    parity = compare(model, texts, file, reference)
    quality = reference_quality = None
    if targets is not None:
        quality = scores(file.logits, targets, model.multi_label)
        reference_quality = scores(reference.logits, targets, model.multi_label)
    tolerance = tolerance_for(plan)
    misses = [
        *_token_misses(parity),
        *_logit_misses(parity, tolerance, targets is not None),
        *_file_misses(model),
    ]
    planned_error = None
    if planned is not None and model.takes_text:
        planned_error = mean_relative_error(file.logits, planned.logits)
        allowed = planned_tolerance_for(plan, computes_in_half(target_of(path), plan))
        misses += _plan_misses(plan, planned_error, allowed, targets is not None)
    if quality is not None and reference_quality is not None:
        misses += [*_label_misses(parity, tolerance), *_quality_misses(quality, reference_quality, tolerance)]
    verdict = Verdict(
        str(path), plan.name, tolerance, parity, quality, reference_quality, tuple(misses), planned_error
    )
    return verdict, file


def judge_encoder(
    path: Path, source: str, texts: Sequence[str], on_progress: Progress | None = None
) -> Verdict:
    """Run an encoder's file over texts and hold its hidden states against PyTorch's."""
    model = open_model(path)
    plan = plan_of(model.card)
    tolerance = tolerance_for(plan)
    parity = compare_encoder(model, source, texts, on_progress)
    misses = [*_token_misses(parity), *_file_misses(model)]
    if not parity.mean_relative_error <= tolerance.hidden_state_error:
        misses.append(
            f"The mean relative error of last_hidden_state is {parity.mean_relative_error:.2%}, "
            f"at most {tolerance.hidden_state_error:.2%} is allowed."
        )
    misses += _signature_misses(parity, tolerance.max_logit_error)
    return Verdict(str(path), plan.name, tolerance, parity, None, None, tuple(misses))


def _logit_misses(parity: Parity, tolerance: Tolerance, labelled: bool) -> list[str]:
    misses = []
    limit = tolerance.max_logit_error
    if limit is not None and not parity.max_logit_error <= limit:
        misses.append(
            f"The largest logit error is {parity.max_logit_error:.2g}, at most {limit:.2g} is allowed."
        )
    misses += _signature_misses(parity, limit)
    relative = tolerance.mean_relative_error if labelled else tolerance.unlabelled_error
    if not parity.mean_relative_error <= relative:
        misses.append(
            f"The mean relative logit error is {parity.mean_relative_error:.2%}, "
            f"at most {relative:.2%} is allowed."
        )
    return misses


def _plan_misses(plan: Plan, error: float, tolerance: Tolerance, labelled: bool) -> list[str]:
    limit = tolerance.mean_relative_error if labelled else tolerance.unlabelled_error
    if error <= limit:
        return []
    return [
        f"Its logits are {error:.2%} away from PyTorch with the weights of the plan {plan.name!r}, at most "
        f"{limit:.2%} is allowed: the file does not do what was planned."
    ]


def _signature_misses(parity: Parity, limit: float | None) -> list[str]:
    """Hold each signature to the absolute limit where there is one, and each tokenizer to equal ids."""
    misses = []
    for name, error in parity.signatures.items():
        if name.startswith("tokenize") and error:
            misses.append(f"The ids of the signature {name} differ from Hugging Face's.")
        elif limit is not None and not error <= limit:
            misses.append(f"The signature {name} is off by {error:.2g}, at most {limit:.2g} is allowed.")
    return misses


def _label_misses(parity: Parity, tolerance: Tolerance) -> list[str]:
    if parity.top1_agreement >= tolerance.top1_agreement:
        return []
    return [
        f"File and PyTorch agree on {parity.top1_agreement:.2%} of the texts, "
        f"at least {tolerance.top1_agreement:.2%} is asked for."
    ]


def _token_misses(parity: Parity) -> list[str]:
    if not parity.token_mismatches:
        return []
    return [
        f"Token ids differ from Hugging Face's in {parity.token_mismatches:,} of {parity.texts:,} texts, "
        f"first in {parity.first_mismatch[:60]!r}."
    ]


def _file_misses(model: TextModel) -> list[str]:
    foreign = ", ".join(operation.name for operation in model.card.foreign_operations)
    return [f"It holds operations that the stock runtime lacks: {foreign}."] if foreign else []


def _quality_misses(quality: Metrics, reference: Metrics, tolerance: Tolerance) -> list[str]:
    drop = reference.accuracy - quality.accuracy
    if drop <= tolerance.accuracy_drop + 1e-12:
        return []
    return [
        f"Accuracy falls from {reference.accuracy:.2%} in PyTorch to {quality.accuracy:.2%} in the file, "
        f"at most {tolerance.accuracy_drop * 100:.1f} points are allowed."
    ]
