"""The PyTorch side of a proof: Hugging Face's tokenizer and the checkpoint as it was trained.

Nothing of the exported program is used here: not its tokenizer, its masks or its embeddings.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pocketformer.checkpoint import load_classifier, load_tokenizer, local_directory
from pocketformer.checks.outputs import Outputs, Progress
from pocketformer.plan import Plan, bake
from pocketformer.tokenizer import read_tokenizer, reference_ids
from pocketformer.tokenizer.text_bytes import cut_text
from pocketformer.train import predict_logits


class Reference:
    """A classifier checkpoint, run by transformers.

    Args:
        source: The checkpoint the file was exported from.
        max_bytes: Bytes of a text that the file reads; the reference sees the same.
        max_length: Tokens at the file's full length.
        plan: Whose weights the classifier gets; None leaves them as they are.
    """

    def __init__(self, source: str, max_bytes: int, max_length: int, plan: Plan | None = None) -> None:
        self.source = source
        self.max_bytes = max_bytes
        self.max_length = max_length
        self.model = load_classifier(source).eval()
        if plan is not None:
            bake(self.model, plan)
        self._tokenizer = load_tokenizer(source)

    def run(self, texts: Sequence[str | bytes], on_progress: Progress | None = None) -> Outputs:
        """Return ids, logits and scores for texts; bytes are read as UTF-8 with U+FFFD for what is not."""
        ids, mask = reference_ids(
            read_tokenizer(local_directory(self.source)), texts, self.max_bytes, self.max_length
        )
        seen = [cut_text(text, self.max_bytes) for text in texts]
        logits = predict_logits(
            self.model, self._tokenizer, seen, max_length=self.max_length, on_progress=on_progress
        )
        return Outputs(ids, mask, logits, as_scores(logits, self.model.multi_label))


def as_scores(logits: np.ndarray, multi_label: bool) -> np.ndarray:
    """Return softmax, or sigmoid for multi-label, of logits [texts, labels]."""
    wide = logits.astype(np.float64)
    if multi_label:
        return np.asarray(1 / (1 + np.exp(-wide)), np.float32)
    exponents = np.exp(wide - wide.max(axis=1, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=1, keepdims=True), np.float32)
