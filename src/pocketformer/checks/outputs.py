"""What a saved file, and its PyTorch model, make of the same texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pocketformer.prediction import TextModel

Progress = Callable[[float, str], None]


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
