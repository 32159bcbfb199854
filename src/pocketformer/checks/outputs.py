"""What a saved file, and its PyTorch model, make of the same texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pocketformer.prediction import TextModel

Progress = Callable[[float, str], None]

_IDS = ("input_ids", "attention_mask", "token_type_ids")
_LEAST_SCORE = 1e-6


@dataclass(frozen=True, slots=True)
class Outputs:
    """Results for a list of texts.

    Attributes:
        input_ids: int32 [texts, length], padded to the full length.
        attention_mask: int32 [texts, length].
        logits: float32 [texts, labels].
        scores: float32 [texts, labels].
    """

    input_ids: np.ndarray
    attention_mask: np.ndarray
    logits: np.ndarray
    scores: np.ndarray

    def __len__(self) -> int:
        """Count the texts."""
        return len(self.logits)


def run_ids(model: TextModel, reference: Outputs, on_progress: Progress | None = None) -> Outputs:
    """Run a file that takes ids alone, at its full length, over the ids that Hugging Face makes.

    A file that gives scores and no logits is compared by the logarithms of its scores: see `log_scores`.
    """
    signature = next(card for card in model.card.signatures if len(card.inputs) == len(_IDS))
    results = []
    for row, (ids, mask) in enumerate(zip(reference.input_ids, reference.attention_mask, strict=True)):
        given = (ids[None], mask[None], np.zeros_like(ids)[None])
        results.append(model.run(signature.name, dict(zip(_IDS, given, strict=True))))
        if on_progress is not None and row % 16 == 0:
            on_progress(row / len(reference), f"{row:,} of {len(reference):,} texts")
    scores = np.stack([result["scores"][0] for result in results])
    return Outputs(reference.input_ids, reference.attention_mask, log_scores(scores), scores)


def log_scores(scores: np.ndarray) -> np.ndarray:
    """Return the logarithms of scores, bounded below: logits but for a constant per text."""
    logarithms: np.ndarray = np.log(np.clip(scores, _LEAST_SCORE, 1))
    return logarithms


def run_file(model: TextModel, texts: Sequence[str], on_progress: Progress | None = None) -> Outputs:
    """Run every text through a saved file from its bytes, each by the shortest signatures that hold it."""
    ids, masks, logits, scores = [], [], [], []
    for index, text in enumerate(texts):
        tokens = model.tokenize(text)
        _, outputs = model.run_tokens(tokens)
        ids.append(tokens.input_ids[0])
        masks.append(tokens.attention_mask[0])
        logits.append(outputs["logits"][0])
        scores.append(outputs["scores"][0])
        if on_progress is not None and index % 16 == 0:
            on_progress(index / len(texts), f"{index:,} of {len(texts):,} texts")
    return Outputs(np.stack(ids), np.stack(masks), np.stack(logits), np.stack(scores))
