"""What one processor makes of texts: ids of all of them, and values of those that were classified."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Answers"]


@dataclass(frozen=True, slots=True)
class Answers:
    """A file's answers on one processor.

    Attributes:
        ids: For each text the token ids, without padding.
        values: float32 [classified texts, values]: logits; for an encoder the first values of its [CLS] state
            and the state's norm, as in golden texts.
        scores: float32 [classified texts, labels]; None for an encoder.
        features: What the program saw of the processor, as "dotprod".
        runtime: What ran the file, as "ai-edge-litert 2.3.0".
        seconds: How long that took.
    """

    ids: tuple[tuple[int, ...], ...]
    values: np.ndarray
    scores: np.ndarray | None
    features: tuple[str, ...]
    runtime: str
    seconds: float
