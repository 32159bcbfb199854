"""Batches of texts of similar length: the same ones however many processes share them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

if TYPE_CHECKING:
    from pocketformer.train.batches import EncodedTexts, PaddingCollator

__all__ = ["LengthGroupedBatches", "Share", "TrainingBatches", "training_loader"]

# Texts are sorted within drawn groups of this many batches: short paddings, and still chance in each batch.
_BATCHES_PER_GROUP = 50


@dataclass(frozen=True, slots=True)
class Share:
    """One process's part of a batch.

    Attributes:
        rows: Row numbers; never empty, as every process has to take every step.
        weight: What the mean loss of these rows is multiplied by, so that the plain mean over the processes
            is the mean over the whole batch; 0 where there was no row left for this process.
    """

    rows: list[int]
    weight: float


class LengthGroupedBatches(Sampler[Share]):
    """Draws each epoch's batches anew, of texts of similar length, and yields one process's share of them.

    The batches depend on the lengths, the size of the whole batch, the seed and the epoch alone. One with the
    longest text comes first, so that a device that has too little memory says so at once.

    Args:
        lengths: Tokens by row.
        batch_size: Texts per step of all processes together; the last batch may have fewer.
        seed: Of the order.
        number: Which of the processes this is, counted from 0.
        count: How many processes there are.
    """

    def __init__(
        self, lengths: Sequence[int], batch_size: int, seed: int, number: int = 0, count: int = 1
    ) -> None:
        self._lengths = np.asarray(lengths)
        self._batch_size = batch_size
        self._seed = seed
        self._number, self._count = number, count
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch, counted from 0, is drawn next."""
        self._epoch = epoch

    def __len__(self) -> int:
        return -(-len(self._lengths) // self._batch_size)

    def __iter__(self) -> Iterator[Share]:
        for batch in self._drawn():
            rows = batch[self._number :: self._count]
            yield Share(rows or batch[:1], len(rows) * self._count / len(batch))

    def _drawn(self) -> list[list[int]]:
        """Return this epoch's whole batches of row numbers."""
        draw = np.random.default_rng([self._seed, self._epoch])
        rows = draw.permutation(len(self._lengths))
        group = self._batch_size * _BATCHES_PER_GROUP
        batches = []
        for start in range(0, len(rows), group):
            part = rows[start : start + group]
            part = part[np.argsort(-self._lengths[part], kind="stable")]
            batches += [part[at : at + self._batch_size] for at in range(0, len(part), self._batch_size)]
        batches = [batches[place] for place in draw.permutation(len(batches))]
        longest = int(np.argmax([self._lengths[batch].max() for batch in batches]))
        batches[0], batches[longest] = batches[longest], batches[0]
        return [batch.tolist() for batch in batches]


class TrainingBatches(Dataset[dict[str, torch.Tensor]]):
    """Padded batches by share: the columns of the texts, and the share's `weight`, a scalar.

    Args:
        texts: What is learned from; its length is this dataset's.
        collator: Makes batches of it.
    """

    def __init__(self, texts: EncodedTexts, collator: PaddingCollator) -> None:
        self._texts, self._collator = texts, collator

    def __len__(self) -> int:
        return len(self._texts)

    def __getitem__(self, share: Share) -> dict[str, torch.Tensor]:
        batch = self._collator([self._texts[row] for row in share.rows])
        return {**batch, "weight": torch.tensor(share.weight)}


class _EpochLoader(DataLoader[Any]):
    """A DataLoader that tells its sampler the epoch, as Trainer expects of it."""

    def set_epoch(self, epoch: int) -> None:
        assert isinstance(self.sampler, LengthGroupedBatches)
        self.sampler.set_epoch(epoch)


def training_loader(
    batches: TrainingBatches, sampler: LengthGroupedBatches, *, pin_memory: bool
) -> DataLoader[Any]:
    """Return a DataLoader of one process's shares, which nothing divides any further."""
    return _EpochLoader(batches, batch_size=None, sampler=sampler, pin_memory=pin_memory)
