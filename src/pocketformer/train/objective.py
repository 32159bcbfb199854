"""The loss: cross-entropy on labels, divergence from a teacher's soft labels, and their mixture.

Each text has a loss of its own and a batch has their plain mean, so that two processes with half a batch
each compute what one computes with the whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

from pocketformer.train.settings import DistillSettings, FinetuneSettings

if TYPE_CHECKING:
    from pocketformer.data import LabeledTexts

__all__ = ["NO_LABEL", "Objective", "balanced_weights", "objective_of"]

#: Target of a text without a label: only its soft label counts.
NO_LABEL = -1


@dataclass(frozen=True, slots=True, eq=False)
class Objective:
    """Mean loss of a batch.

    Attributes:
        multi_label: Sigmoid per label, or softmax over the labels.
        weights: float32 `[labels]`; single-label: of a text with that label, multi-label: of the texts that
            have the label against those that do not. None counts all alike.
        focal_gamma: Exponent of the focal loss (Lin et al. 2017); 0 is cross-entropy.
        temperature: Of the soft labels.
        soft_weight: Share of the soft labels where a text has a label too.
    """

    multi_label: bool
    weights: torch.Tensor | None = None
    focal_gamma: float = 0.0
    temperature: float = 1.0
    soft_weight: float = 0.0

    def __call__(
        self, logits: torch.Tensor, labels: torch.Tensor, soft_labels: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return the loss, a scalar.

        Args:
            logits: `[batch, labels]`.
            labels: Label numbers `[batch]` or 0/1 `[batch, labels]`; `NO_LABEL` where a text has none.
            soft_labels: The teacher's logits `[batch, labels]`, before any softmax.
        """
        logits = logits.float()
        known = labels != NO_LABEL if labels.ndim == 1 else (labels != NO_LABEL).all(dim=1)
        hard = self._hard(logits, labels.clamp(min=0)) * known
        if soft_labels is None:
            return hard.mean()
        share = torch.where(known, self.soft_weight, 1.0)
        return ((1 - share) * hard + share * self._soft(logits, soft_labels.float())).mean()

    def _hard(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the loss of each text against its label, `[batch]`."""
        weights = None if self.weights is None else self.weights.to(logits.device)
        if self.multi_label:
            targets = labels.to(logits.dtype)
            plain = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
            if weights is not None:
                plain = plain * torch.where(targets > 0, weights, 1.0)
            return (plain * self._focus(torch.where(targets > 0, logits, -logits).sigmoid())).mean(dim=1)
        log_scores = F.log_softmax(logits, dim=1).gather(1, labels[:, None])[:, 0]
        plain = -log_scores if weights is None else -log_scores * weights[labels]
        return plain * self._focus(log_scores.exp())

    def _focus(self, scores: torch.Tensor) -> torch.Tensor | float:
        return (1 - scores).clamp(min=0) ** self.focal_gamma if self.focal_gamma else 1.0

    def _soft(self, logits: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
        """Return T² times the divergence from the teacher at temperature T (Hinton et al. 2015), `[batch]`.

        T² keeps the gradient's size whatever the temperature. Multi-label: of each label's two outcomes.
        """
        temperature = self.temperature
        logits, teacher = logits / temperature, teacher / temperature
        if self.multi_label:
            target = teacher.sigmoid()
            own = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
            least = F.binary_cross_entropy_with_logits(teacher, target, reduction="none")
            return (own - least).mean(dim=1) * temperature**2
        divergence = F.kl_div(
            F.log_softmax(logits, dim=1), F.log_softmax(teacher, dim=1), reduction="none", log_target=True
        )
        return divergence.sum(dim=1) * temperature**2


def objective_of(settings: FinetuneSettings, train: LabeledTexts) -> Objective:
    """Return the loss that settings ask for; class weights are counted on `train`."""
    weights = balanced_weights(train) if settings.class_weights == "balanced" else None
    if isinstance(settings, DistillSettings):
        return Objective(
            train.multi_label, weights, settings.focal_gamma, settings.temperature, settings.soft_weight
        )
    return Objective(train.multi_label, weights, settings.focal_gamma)


def balanced_weights(train: LabeledTexts) -> torch.Tensor:
    """Return weights in inverse proportion to the labels' counts, float32 `[labels]`.

    Single-label: texts / (labels · texts with that label), so that an average text weighs 1.
    Multi-label: texts without the label / texts with it. A label without texts weighs 1.
    """
    counts = train.multi_hot().sum(axis=0)
    total = len(train)
    wanted = (total - counts) if train.multi_label else np.full(len(counts), total / len(counts))
    weights = np.where(counts > 0, wanted / np.maximum(counts, 1), 1.0)
    return torch.from_numpy(weights.astype(np.float32))
