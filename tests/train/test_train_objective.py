"""The loss: cross-entropy, class weights, focal loss, soft labels, and texts without a label."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from pocketformer.data import LabeledTexts
from pocketformer.train import DistillSettings, FinetuneSettings
from pocketformer.train.objective import NO_LABEL, Objective, balanced_weights, objective_of

LOGITS = torch.tensor([[2.0, -1.0, 0.5], [0.1, 0.2, 0.3], [-3.0, 1.0, 0.0], [4.0, 0.0, -2.0]])
LABELS = torch.tensor([0, 2, 1, 1])
SEVERAL = torch.tensor([[1.0, 0, 1], [0, 0, 0], [0, 1, 0], [1, 1, 1]])
TEACHER = torch.tensor([[1.0, 1.0, -1.0], [2.0, 0.0, 0.0], [0.0, 3.0, 0.0], [0.0, 0.5, 0.0]])


def test_without_further_settings_it_is_cross_entropy() -> None:
    assert torch.allclose(Objective(False)(LOGITS, LABELS), F.cross_entropy(LOGITS, LABELS))
    expected = F.binary_cross_entropy_with_logits(LOGITS, SEVERAL)
    assert torch.allclose(Objective(True)(LOGITS, SEVERAL), expected)


def test_weights_multiply_each_texts_loss() -> None:
    weights = torch.tensor([1.0, 5.0, 0.5])
    expected = F.cross_entropy(LOGITS, LABELS, weight=weights, reduction="none").mean()
    assert torch.allclose(Objective(False, weights)(LOGITS, LABELS), expected)
    several = F.binary_cross_entropy_with_logits(LOGITS, SEVERAL, pos_weight=weights)
    assert torch.allclose(Objective(True, weights)(LOGITS, SEVERAL), several)


@pytest.mark.parametrize(("multi_label", "labels"), [(False, LABELS), (True, SEVERAL)])
def test_focal_loss_cares_less_for_what_is_right(multi_label: bool, labels: torch.Tensor) -> None:
    losses = [Objective(multi_label, focal_gamma=gamma)(LOGITS, labels) for gamma in (0.0, 1.0, 2.0)]
    assert losses[0] > losses[1] > losses[2] > 0
    certain = torch.where(F.one_hot(LABELS, 3) > 0, 30.0, -30.0)
    assert Objective(False, focal_gamma=2.0)(certain, LABELS) == 0


@pytest.mark.parametrize(("multi_label", "labels"), [(False, LABELS), (True, SEVERAL)])
def test_soft_labels_are_logits_and_pull_towards_the_teacher(multi_label: bool, labels: torch.Tensor) -> None:
    """The least loss is at the teacher's own logits: a second softmax would put it elsewhere."""
    objective = Objective(multi_label, temperature=3.0, soft_weight=1.0)
    assert objective(TEACHER, labels, TEACHER).abs() < 1e-6
    student = LOGITS.clone().requires_grad_()
    for _ in range(800):
        loss = objective(student, labels, TEACHER)
        (gradient,) = torch.autograd.grad(loss, student)
        student = (student - 2.0 * gradient).detach().requires_grad_()
    as_scores = torch.sigmoid if multi_label else lambda logits: logits.softmax(dim=1)
    assert torch.allclose(as_scores(student), as_scores(TEACHER), atol=5e-3)


def test_gradient_keeps_its_size_at_any_temperature() -> None:
    sizes = []
    for temperature in (20.0, 40.0):
        logits = LOGITS.clone().requires_grad_()
        Objective(False, temperature=temperature, soft_weight=1.0)(logits, LABELS, TEACHER).backward()
        assert logits.grad is not None
        sizes.append(float(logits.grad.norm()))
    assert sizes[0] == pytest.approx(sizes[1], rel=0.05)


def test_mixture_lies_between_hard_and_soft() -> None:
    hard, mixed, soft = (
        Objective(False, temperature=2.0, soft_weight=weight)(LOGITS, LABELS, TEACHER)
        for weight in (0.0, 0.25, 1.0)
    )
    assert torch.allclose(mixed, 0.75 * hard + 0.25 * soft)


@pytest.mark.parametrize("multi_label", [False, True])
def test_a_text_without_a_label_counts_by_its_soft_label_alone(multi_label: bool) -> None:
    labels = (SEVERAL if multi_label else LABELS).clone()
    labels[1:] = NO_LABEL
    objective = Objective(multi_label, temperature=2.0, soft_weight=0.25)
    alone = Objective(multi_label, temperature=2.0, soft_weight=1.0)
    expected = objective(LOGITS[:1], labels[:1], TEACHER[:1]) + 3 * alone(LOGITS[1:], labels[1:], TEACHER[1:])
    assert torch.allclose(objective(LOGITS, labels, TEACHER), expected / 4)


def test_balanced_weights_make_labels_count_alike() -> None:
    texts = tuple("abcdefgh")
    targets = np.array([0, 0, 0, 0, 0, 0, 1, 1], dtype=np.int64)
    data = LabeledTexts(texts, targets, ("common", "rare", "absent"), False)
    weights = balanced_weights(data)
    assert weights[0] * 6 == pytest.approx(float(weights[1] * 2))
    assert weights[2] == 1
    several = LabeledTexts(texts, np.eye(3, dtype=np.float32)[targets], data.labels, True)
    assert balanced_weights(several).tolist() == [pytest.approx(2 / 6), 3.0, 1.0]


def test_settings_make_the_objective() -> None:
    data = LabeledTexts(("a", "b"), np.array([0, 1]), ("x", "y"), False)
    assert objective_of(FinetuneSettings(), data).weights is None
    made = objective_of(DistillSettings(class_weights="balanced", focal_gamma=2, temperature=4), data)
    assert made.weights is not None
    assert (made.focal_gamma, made.temperature, made.soft_weight) == (2, 4, 0.5)
