"""What can be set for fine-tuning, and the values filled in for what is left open."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pocketformer.checkpoint import HeadSettings

__all__ = ["DEFAULT_SETTINGS", "FinetuneSettings", "resolve_learning_rates"]

_HEAD_FACTOR = 10.0
_SMALL_HIDDEN_SIZE = 384
_BASE_HIDDEN_SIZE = 768


class FinetuneSettings(BaseModel):
    """Settings of `finetune`; the defaults suit encoders from MiniLM to BERT-large on one machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: int = Field(8, ge=1, le=1000, description="Passes over the training texts, at most.")
    patience: int = Field(
        2, ge=1, description="Stop after this many epochs without a better macro-F1 on the dev texts."
    )
    learning_rate: float | None = Field(
        None, gt=0, lt=1, description="Highest rate for the encoder; None chooses by its hidden size."
    )
    head_learning_rate: float | None = Field(
        None, gt=0, lt=1, description="Highest rate for the head; None is ten times the encoder's."
    )
    schedule: Literal["linear", "cosine"] = Field(
        "linear", description="How the rates fall to zero after the warm-up."
    )
    warmup_ratio: float = Field(
        0.1, ge=0, lt=1, description="Share of all steps over which the rates rise from zero."
    )
    weight_decay: float = Field(
        0.01, ge=0, lt=1, description="AdamW's weight decay; biases and layer norms have none."
    )
    batch_size: int = Field(32, ge=1, description="Texts per training step and device.")
    eval_batch_size: int = Field(64, ge=1, description="Texts per evaluation step and device.")
    max_length: int = Field(
        128,
        ge=3,
        description="Tokens per text, [CLS] and [SEP] included; longer texts are cut. "
        "Batches are only as long as their longest text.",
    )
    head: Literal["linear", "two-layer"] = Field(
        "linear", description="One linear layer, or Linear, LeakyReLU(0.01), Linear."
    )
    pooling: Literal["mean", "cls", "pooler"] = Field(
        "mean",
        description="What the head sees: the mean token state, the [CLS] state, or the pooler's output.",
    )
    dropout: float = Field(0.1, ge=0, lt=1, description="Share of the head's inputs dropped in training.")
    precision: Literal["auto", "fp32", "bf16", "fp16"] = Field(
        "auto", description="Arithmetic; auto is fp32 on a CPU, and on a GPU bf16 or else fp16."
    )
    seed: int = Field(0, ge=0, lt=2**32, description="Of the head's start, the batches and the dropout.")

    @property
    def head_settings(self) -> HeadSettings:
        """The head these settings ask for."""
        return HeadSettings(kind=self.head, pooling=self.pooling, dropout=self.dropout)


DEFAULT_SETTINGS = FinetuneSettings()


def resolve_learning_rates(settings: FinetuneSettings, hidden_size: int) -> tuple[FinetuneSettings, str]:
    """Fill in the learning rates that are None.

    Args:
        settings: As given.
        hidden_size: Of the encoder. Up to 384: 1e-4; below 768: 5e-5; else 2e-5.

    Returns:
        The settings with both rates, and a sentence that says which were used and why.
    """
    rate, reason = settings.learning_rate, "as given"
    if rate is None:
        rate, reason = _default_rate(hidden_size), f"chosen for its hidden size of {hidden_size}"
    head_rate, head_reason = settings.head_learning_rate, "as given"
    if head_rate is None:
        head_rate, head_reason = (
            min(rate * _HEAD_FACTOR, 0.1),
            "ten times as much, since it starts from nothing",
        )
    resolved = settings.model_copy(update={"learning_rate": rate, "head_learning_rate": head_rate})
    return resolved, f"Learning rate: encoder {rate:.1e} ({reason}), head {head_rate:.1e} ({head_reason})."


def _default_rate(hidden_size: int) -> float:
    if hidden_size <= _SMALL_HIDDEN_SIZE:
        return 1e-4
    return 5e-5 if hidden_size < _BASE_HIDDEN_SIZE else 2e-5
