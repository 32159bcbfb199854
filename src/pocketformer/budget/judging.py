"""What a change of a model's weights costs, on texts whose answers in float32 are known."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from pocketformer.plan import Plan
from pocketformer.plan.activations import simulated
from pocketformer.train import scores
from pocketformer.train.batches import PaddingCollator, encode

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from pocketformer.checkpoint import TextClassifier

__all__ = ["Cost", "Judge"]

_BATCH = 64


@dataclass(frozen=True, slots=True)
class Cost:
    """How far answers are from those in float32.

    Attributes:
        divergence: Mean Kullback-Leibler divergence, in nats; of several labels the sum over them.
        agreement: Share of texts, 0 to 1, on which both name the same.
        accuracy: Share of texts named right; None without labels.
    """

    divergence: float
    agreement: float
    accuracy: float | None


class Judge:
    """Texts, tokenised once, and what a model makes of them before it is changed.

    Args:
        model: In float32 and in eval mode; it is asked again and again while others change its weights.
        tokenizer: Its own.
        texts: What it is asked.
        targets: As in `LabeledTexts.targets`; None where there are none.
        max_length: Tokens per text at most.
    """

    def __init__(
        self,
        model: TextClassifier,
        tokenizer: PreTrainedTokenizerFast,
        texts: Sequence[str],
        targets: npt.NDArray[Any] | None,
        max_length: int,
    ) -> None:
        self._model = model
        self._targets = targets
        ids = encode(tokenizer, texts, max_length)
        order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
        collate = PaddingCollator(input_ids=tokenizer.pad_token_id)
        self._batches = [
            (rows, collate([{"input_ids": ids[row]} for row in rows]))
            for rows in (order[start : start + _BATCH] for start in range(0, len(order), _BATCH))
        ]
        self._texts = len(ids)
        self._logits = self.logits()

    @property
    def reference(self) -> Cost:
        """What the model has in float32: no divergence, and its accuracy."""
        return self._cost(self._logits)

    def cost(self, plan: Plan | None = None) -> Cost:
        """Ask the model as its weights are now.

        Args:
            plan: Also quantise activations as its files do; None leaves them.
        """
        return self._cost(self.logits(plan))

    def logits(self, plan: Plan | None = None) -> npt.NDArray[np.float32]:
        """Return what the model says now, `[texts, labels]`."""
        logits = np.empty((self._texts, len(self._model.labels)), np.float32)
        with torch.inference_mode(), simulated(self._model, plan) if plan is not None else nullcontext():
            for rows, batch in self._batches:
                logits[rows] = self._model(**batch).logits.numpy()
        return logits

    def _cost(self, logits: npt.NDArray[np.float32]) -> Cost:
        several = self._model.multi_label
        right = self._logits > 0 if several else self._logits.argmax(axis=1)
        found = logits > 0 if several else logits.argmax(axis=1)
        same = (right == found).all(axis=1) if several else right == found
        accuracy = None if self._targets is None else scores(logits, self._targets, several).accuracy
        return Cost(divergence(self._logits, logits, several), float(same.mean()), accuracy)


def divergence(
    before: npt.NDArray[np.float32], after: npt.NDArray[np.float32], multi_label: bool = False
) -> float:
    """Return the mean over texts of KL(before, after), in nats, of logits `[texts, labels]`."""
    old, new = torch.from_numpy(before).double(), torch.from_numpy(after).double()
    if multi_label:
        old, new = (
            torch.stack([old, torch.zeros_like(old)], -1),
            torch.stack([new, torch.zeros_like(new)], -1),
        )
    likely, said = torch.log_softmax(old, dim=-1), torch.log_softmax(new, dim=-1)
    return float((likely.exp() * (likely - said)).sum(dim=-1).reshape(len(before), -1).sum(dim=1).mean())
