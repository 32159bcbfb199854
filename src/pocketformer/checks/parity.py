"""Parity: how far a saved file's answers are from PyTorch's on the same texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pocketformer.checks.outputs import Outputs, log_scores
from pocketformer.prediction import TextModel, Tokens
from pocketformer.targets import SignatureCard

_SIGNATURE_TEXTS = 8  # texts on which every signature of the file is run, not only the shortest


@dataclass(frozen=True, slots=True)
class Parity:
    """Differences between a file and PyTorch over a list of texts, from text bytes to scores.

    Attributes:
        texts: How many texts were compared.
        token_mismatches: Texts whose ids or mask differ in any place.
        first_mismatch: The first such text; empty when there is none.
        max_logit_error: Largest |difference| of a logit.
        mean_relative_error: Mean over texts of max |difference| / max |PyTorch logit|.
        max_relative_error: The largest of these.
        max_score_error: Largest |difference| of a score.
        top1_agreement: Share of texts, 0 to 1, on which both name the same label.
        signatures: Largest |difference| of a logit per signature, on a few of the texts; for a
            tokenizer 0 where all ids are equal and 1 where one differs.
        takes_text: The file has its tokenizer inside; otherwise it was given Hugging Face's ids.
    """

    texts: int
    token_mismatches: int
    first_mismatch: str
    max_logit_error: float
    mean_relative_error: float
    max_relative_error: float
    max_score_error: float
    top1_agreement: float
    signatures: dict[str, float]
    takes_text: bool = True


def compare(model: TextModel, texts: Sequence[str], file: Outputs, reference: Outputs) -> Parity:
    """Compare what a file and PyTorch made of `texts`, and every signature of the file on a few of them."""
    differs = (file.input_ids != reference.input_ids) | (file.attention_mask != reference.attention_mask)
    wrong = np.flatnonzero(differs.any(axis=1))
    error = np.abs(file.logits.astype(np.float64) - reference.logits)
    relative = _relative_errors(file.logits, reference.logits)
    return Parity(
        texts=len(texts),
        token_mismatches=len(wrong),
        first_mismatch=texts[wrong[0]] if len(wrong) else "",
        max_logit_error=float(error.max()),
        mean_relative_error=float(relative.mean()),
        max_relative_error=float(relative.max()),
        max_score_error=float(np.abs(file.scores - reference.scores).max()),
        top1_agreement=float((file.logits.argmax(axis=1) == reference.logits.argmax(axis=1)).mean()),
        signatures=_signature_errors(model, texts, reference),
        takes_text=model.takes_text,
    )


def mean_relative_error(logits: np.ndarray, reference: np.ndarray) -> float:
    """Return the mean over texts of max |difference| / max |reference|, of logits [texts, labels]."""
    return float(_relative_errors(logits, reference).mean())


def _relative_errors(logits: np.ndarray, reference: np.ndarray) -> np.ndarray:
    error = np.abs(logits.astype(np.float64) - reference).max(axis=1)
    return np.asarray(error / np.maximum(np.abs(reference).max(axis=1), 1e-12))


def _signature_errors(model: TextModel, texts: Sequence[str], reference: Outputs) -> dict[str, float]:
    rows = np.linspace(0, len(texts) - 1, min(_SIGNATURE_TEXTS, len(texts)), dtype=int)
    return {
        card.name: max(
            (_signature_error(model, card, texts[row], reference, row) for row in rows), default=0.0
        )
        for card in model.card.signatures
    }


def as_tokens(ids: np.ndarray, mask: np.ndarray) -> Tokens:
    """Return one row of reference ids and mask, int32 [length], as a signature takes them."""
    return Tokens(ids[None], mask[None], np.zeros_like(ids)[None], int(mask.sum()), "")


def _signature_error(model: TextModel, card: SignatureCard, text: str, reference: Outputs, row: int) -> float:
    """Return the largest logit difference of one signature on one text; 0 where the text does not fit."""
    tokens = as_tokens(reference.input_ids[row], reference.attention_mask[row])
    inputs = model.inputs_for(card, text, tokens)
    if inputs is None:
        return 0.0
    outputs = model.run(card.name, inputs)
    if "input_ids" in outputs:
        return float(
            (outputs["input_ids"] != tokens.input_ids).any()
            or (outputs["attention_mask"] != tokens.attention_mask).any()
        )
    logits = outputs["logits"] if "logits" in outputs else log_scores(outputs["scores"])
    return float(np.abs(logits[0] - reference.logits[row]).max())
