"""Training: fine-tuning and distilling a checkpoint, its scores, and PyTorch's logits as the reference."""

from __future__ import annotations

try:
    import accelerate  # noqa: F401
    import sklearn  # noqa: F401
except ModuleNotFoundError as error:
    from pocketformer.errors import MissingExtraError

    raise MissingExtraError("train", error.name or "accelerate") from error

from pocketformer.train.distillation import distill
from pocketformer.train.finetuning import finetune
from pocketformer.train.metrics import Metrics, scores
from pocketformer.train.predict import predict_logits
from pocketformer.train.result import EpochScore, FinetuneResult
from pocketformer.train.settings import DistillSettings, FinetuneSettings
from pocketformer.train.soft_labels import soft_labels

__all__ = [
    "DistillSettings",
    "EpochScore",
    "FinetuneResult",
    "FinetuneSettings",
    "Metrics",
    "distill",
    "finetune",
    "predict_logits",
    "scores",
    "soft_labels",
]
