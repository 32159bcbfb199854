"""The dense network and an ordinary PyTorch loop, into which any constraint fits."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from data import Digits
from pocketformer.train.constraints import Constraint

_BATCH = 128
_WARM_UP = 200  # steps
_TEMPERATURE = 2.0


def dense(pixels: int, hidden: tuple[int, int] = (128, 32)) -> nn.Sequential:
    """Return a network of two hidden layers: pixels [rows, pixels] to logits [rows, 10]."""
    first, second = hidden
    return nn.Sequential(
        nn.Linear(pixels, first), nn.ReLU(), nn.Linear(first, second), nn.ReLU(), nn.Linear(second, 10)
    )


def fit(
    network: nn.Module,
    digits: Digits,
    epochs: int,
    rate: float,
    constraint: Constraint | None = None,
    teacher: nn.Module | None = None,
    seed: int = 0,
) -> float:
    """Train a network under a constraint, leave ordinary weights that satisfy it, and return its accuracy.

    The accuracy is that of the network as it is trained, on the test rows: to be compared with the file's.

    Args:
        network: Trained in place.
        digits: What to learn.
        epochs: Passes over the rows.
        rate: Highest learning rate; it falls along a cosine.
        constraint: What the weights have to be.
        teacher: Learned from beside the labels.
        seed: Of the order and the shifts.
    """
    draw = torch.Generator().manual_seed(seed)
    if constraint is not None:
        constraint.attach(network)
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=1e-4)
    rows = len(digits.train)
    steps = epochs * math.ceil(rows / _BATCH)
    step = 0
    network.train()
    for _ in range(epochs):
        for chosen in torch.randperm(rows, generator=draw).split(_BATCH):
            if constraint is not None:
                constraint.advance(step / steps)
            for group in optimizer.param_groups:
                group["lr"] = (
                    rate * min(1.0, (step + 1) / _WARM_UP) * (1 + math.cos(math.pi * step / steps)) / 2
                )
            images = _shifted(digits.train[chosen], draw).flatten(1)
            loss = _loss(network(images), digits.train_labels[chosen], images, teacher)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
    if constraint is not None:
        constraint.advance(1.0)
    found = accuracy(network, digits)
    if constraint is not None:
        constraint.bake(network)
    return found


def accuracy(network: nn.Module, digits: Digits) -> float:
    """Return the share of test rows that are told right, 0 to 1."""
    network.eval()
    with torch.inference_mode():
        found = network(digits.test.flatten(1)).argmax(1) == digits.test_labels
    return float(found.double().mean())


def _shifted(images: Tensor, draw: torch.Generator) -> Tensor:
    """Move every other batch by up to a pixel each way: free examples for images with an empty edge."""
    if images.shape[1] < 16:  # the small digits fill theirs
        return images
    moved, down, right = torch.randint(-1, 2, (3,), generator=draw).tolist()
    return images if moved > 0 else torch.roll(images, (down, right), (1, 2))


def _loss(logits: Tensor, labels: Tensor, images: Tensor, teacher: nn.Module | None) -> Tensor:
    hard = nn.functional.cross_entropy(logits, labels)
    if teacher is None:
        return hard
    with torch.no_grad():
        soft = (teacher(images) / _TEMPERATURE).softmax(1)
    told = (logits / _TEMPERATURE).log_softmax(1)
    return 0.3 * hard + 0.7 * _TEMPERATURE**2 * nn.functional.kl_div(told, soft, reduction="batchmean")
