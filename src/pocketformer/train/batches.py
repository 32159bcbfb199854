"""Texts to padded batches of token ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

__all__ = ["EncodedTexts", "PaddingCollator", "encode"]


def encode(tokenizer: PreTrainedTokenizerFast, texts: Sequence[str], max_length: int) -> list[list[int]]:
    """Return each text's token ids, at most `max_length` of them with [CLS] and [SEP]."""
    if not texts:
        return []
    ids: list[list[int]] = tokenizer(
        list(texts),
        truncation=True,
        max_length=max_length,
        padding=False,
        return_attention_mask=False,
        return_token_type_ids=False,
    )["input_ids"]
    return ids


class EncodedTexts(Dataset[dict[str, Any]]):
    """Token ids with their targets, as a Trainer takes them.

    Args:
        input_ids: Token ids by text.
        targets: Label numbers `[texts]`, or 0/1 `[texts, labels]`.
    """

    def __init__(self, input_ids: list[list[int]], targets: npt.NDArray[Any]) -> None:
        self._input_ids = input_ids
        self._targets = targets

    def __len__(self) -> int:
        return len(self._input_ids)

    def __getitem__(self, row: int) -> dict[str, Any]:
        return {"input_ids": self._input_ids[row], "labels": self._targets[row]}


class PaddingCollator:
    """Pads a list of examples to the longest one among them.

    Token types are left out: a single text's are all zero, which is what encoders take by default.

    Args:
        pad_id: Token id of the padding.
    """

    def __init__(self, pad_id: int) -> None:
        self._pad_id = pad_id

    def __call__(self, examples: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """Return int64 `input_ids` and `attention_mask` `[batch, length]`, and `labels` where given."""
        length = max(len(example["input_ids"]) for example in examples)
        ids = torch.full((len(examples), length), self._pad_id, dtype=torch.int64)
        mask = torch.zeros_like(ids)
        for row, example in enumerate(examples):
            count = len(example["input_ids"])
            ids[row, :count] = torch.tensor(example["input_ids"], dtype=torch.int64)
            mask[row, :count] = 1
        batch = {"input_ids": ids, "attention_mask": mask}
        if "labels" in examples[0]:
            batch["labels"] = torch.from_numpy(np.stack([example["labels"] for example in examples]))
        return batch
