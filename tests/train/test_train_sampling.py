"""Batches by length: the same ones for any number of processes, every text once an epoch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pocketformer.train.batches import EncodedTexts, PaddingCollator
from pocketformer.train.sampling import LengthGroupedBatches, TrainingBatches, training_loader

LENGTHS = st.lists(st.integers(3, 128), min_size=1, max_size=80)


def shares(lengths: list[int], batch_size: int, epoch: int, count: int, seed: int = 0) -> list[list[object]]:
    """Return every process's shares of an epoch."""
    samplers = [LengthGroupedBatches(lengths, batch_size, seed, number, count) for number in range(count)]
    for sampler in samplers:
        sampler.set_epoch(epoch)
    return [list(sampler) for sampler in samplers]


@given(LENGTHS, st.integers(1, 6), st.integers(1, 4), st.integers(0, 3))
def test_processes_share_the_batches_of_one(lengths: list[int], each: int, count: int, epoch: int) -> None:
    (whole,) = shares(lengths, each * count, epoch, 1)
    parts = shares(lengths, each * count, epoch, count)
    assert all(len(part) == len(whole) for part in parts)
    loss = np.random.default_rng(0).normal(size=len(lengths))  # of each text
    for step, batch in enumerate(whole):
        mine = [part[step] for part in parts]
        assert sorted(row for share in mine if share.weight for row in share.rows) == sorted(batch.rows)
        assert all(1 <= len(share.rows) <= each for share in mine)
        mean = np.mean([share.weight * loss[share.rows].mean() for share in mine])
        assert mean == pytest.approx(loss[batch.rows].mean())


@given(LENGTHS, st.integers(1, 16))
def test_an_epoch_has_every_text_once_and_starts_with_the_longest(lengths: list[int], size: int) -> None:
    (batches,) = shares(lengths, size, 0, 1)
    assert sorted(row for batch in batches for row in batch.rows) == list(range(len(lengths)))
    assert len(batches) == len(LengthGroupedBatches(lengths, size, 0)) == -(-len(lengths) // size)
    assert max(lengths[row] for row in batches[0].rows) == max(lengths)


def test_order_depends_on_seed_and_epoch_alone() -> None:
    lengths = [3 + number % 40 for number in range(200)]
    assert shares(lengths, 8, 1, 1) == shares(lengths, 8, 1, 1)
    assert shares(lengths, 8, 1, 1) != shares(lengths, 8, 2, 1)
    assert shares(lengths, 8, 1, 1) != shares(lengths, 8, 1, 1, seed=1)


def test_batches_are_of_similar_length() -> None:
    lengths = np.random.default_rng(0).integers(5, 100, 1000).tolist()
    (batches,) = shares(lengths, 10, 0, 1)
    padded = sum(max(lengths[row] for row in batch.rows) * len(batch.rows) for batch in batches)
    assert padded < 1.1 * sum(lengths)


def test_loader_gives_padded_batches_anew_each_epoch() -> None:
    texts = EncodedTexts([[1] * length for length in range(3, 20)], np.arange(17))
    batches = TrainingBatches(texts, PaddingCollator(input_ids=0))
    loader = training_loader(batches, LengthGroupedBatches(texts.lengths, 4, 0), pin_memory=False)
    epochs = []
    for epoch in range(2):
        loader.set_epoch(epoch)  # type: ignore[attr-defined]  # as Trainer calls it
        epochs.append(list(loader))
    assert [len(epoch) for epoch in epochs] == [5, 5] == [len(loader)] * 2
    for batch in epochs[0]:
        assert torch.equal(batch["attention_mask"].sum(dim=1), batch["labels"] + 3)
        assert batch["input_ids"].shape == batch["attention_mask"].shape
        assert batch["weight"] == 1
    orders = [torch.cat([batch["labels"] for batch in epoch]).tolist() for epoch in epochs]
    assert orders[0] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1])
