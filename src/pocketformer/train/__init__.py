"""Training: fine-tuning a checkpoint, its scores, and PyTorch's logits as the reference."""

from __future__ import annotations

try:
    import accelerate  # noqa: F401
    import sklearn  # noqa: F401
except ModuleNotFoundError as error:
    from pocketformer.errors import MissingExtraError

    raise MissingExtraError("train", error.name or "accelerate") from error

from pocketformer.train.finetuning import finetune
from pocketformer.train.metrics import Metrics, scores
from pocketformer.train.predict import predict_logits
from pocketformer.train.result import EpochScore, FinetuneResult
from pocketformer.train.settings import FinetuneSettings

__all__ = [
    "EpochScore",
    "FinetuneResult",
    "FinetuneSettings",
    "Metrics",
    "finetune",
    "predict_logits",
    "scores",
]
