"""Logits of many texts by PyTorch: the reference every exported file is compared with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from pocketformer.train.batches import PaddingCollator, encode

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from pocketformer.checkpoint import TextClassifier

__all__ = ["predict_logits"]


def predict_logits(
    model: TextClassifier,
    tokenizer: PreTrainedTokenizerFast,
    texts: Sequence[str],
    max_length: int,
    batch_size: int = 64,
    on_progress: Callable[[float, str], None] | None = None,
) -> npt.NDArray[np.float32]:
    """Return the logits of `texts`, float32 `[texts, labels]`, in their order.

    Args:
        model: The classifier; it runs where its weights are, in eval mode, and is left in its mode.
        tokenizer: Its tokenizer.
        texts: Any number of texts.
        max_length: Tokens per text at most, [CLS] and [SEP] included.
        batch_size: Texts per step; texts of similar length go together.
        on_progress: Called with the fraction done, 0 to 1, and a short message.
    """
    device = next(model.parameters()).device
    collate = PaddingCollator(input_ids=tokenizer.pad_token_id)
    input_ids = encode(tokenizer, texts, max_length)
    order = sorted(range(len(texts)), key=lambda row: len(input_ids[row]), reverse=True)
    logits = np.empty((len(texts), len(model.labels)), dtype=np.float32)
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            for start in range(0, len(order), batch_size):
                rows = order[start : start + batch_size]
                batch = collate([{"input_ids": input_ids[row]} for row in rows])
                output = model(**{name: tensor.to(device) for name, tensor in batch.items()})
                logits[rows] = output.logits.float().cpu().numpy()
                if on_progress is not None:
                    done = start + len(rows)
                    on_progress(done / len(order), f"predicted {done:,} of {len(order):,} texts")
    finally:
        model.train(was_training)
    return logits
