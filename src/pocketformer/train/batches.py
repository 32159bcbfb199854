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
    """Token ids with what is learned from them, as a Trainer takes them.

    Args:
        input_ids: Token ids by text.
        targets: Label numbers `[texts]`, or 0/1 `[texts, labels]`.
        columns: Further values by text: a teacher's logits as `soft_labels`, its own token ids.
    """

    def __init__(
        self,
        input_ids: list[list[int]],
        targets: npt.NDArray[Any],
        **columns: Sequence[Any] | npt.NDArray[Any],
    ) -> None:
        self._columns = {"input_ids": input_ids, "labels": targets, **columns}

    def __len__(self) -> int:
        return len(self._columns["input_ids"])

    @property
    def lengths(self) -> list[int]:
        """Number of tokens by text."""
        return [len(ids) for ids in self._columns["input_ids"]]

    def __getitem__(self, row: int) -> dict[str, Any]:
        return {name: column[row] for name, column in self._columns.items()}


class PaddingCollator:
    """Pads a list of examples to the longest one among them.

    Token types are left out: a single text's are all zero, which is what encoders take by default.

    Args:
        padding: By name of a column of different lengths, the value it is padded with. `input_ids` get an
            `attention_mask`, `teacher_input_ids` a `teacher_attention_mask`.
    """

    def __init__(self, **padding: int) -> None:
        self._padding = padding

    def __call__(self, examples: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """Return int64 `[batch, length]` of the padded columns and their masks; others are stacked."""
        batch: dict[str, torch.Tensor] = {}
        for name in examples[0]:
            column = [example[name] for example in examples]
            if name not in self._padding:
                batch[name] = torch.from_numpy(np.stack(column))
                continue
            values, mask = _padded(column, self._padding[name])
            batch[name] = values
            if name.endswith("input_ids"):
                batch[name.replace("input_ids", "attention_mask")] = mask
        return batch


def _padded(column: Sequence[Sequence[int]], padding: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a column of lists as int64 `[batch, length]`, and where it is no padding."""
    length = max(len(values) for values in column)
    padded = torch.full((len(column), length), padding, dtype=torch.int64)
    mask = torch.zeros_like(padded)
    for row, values in enumerate(column):
        padded[row, : len(values)] = torch.tensor(values, dtype=torch.int64)
        mask[row, : len(values)] = 1
    return padded, mask
