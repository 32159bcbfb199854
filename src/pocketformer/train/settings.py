"""What can be set for fine-tuning and distilling; `defaults.py` fills in what is left open."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pocketformer.checkpoint import HeadSettings

__all__ = ["DEFAULT_SETTINGS", "DistillSettings", "FinetuneSettings"]


class FinetuneSettings(BaseModel):
    """Settings of `finetune`; the defaults suit encoders from MiniLM to BERT-large on one machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: int | None = Field(
        None,
        ge=1,
        le=1000,
        description="Passes over the training texts, at most; None chooses by their number and the encoder.",
    )
    patience: int | None = Field(
        None,
        ge=1,
        description="Stop after this many epochs without a better macro-F1 on the dev texts; half of "
        "all if left out.",
    )
    keep: Literal["best", "last"] = Field(
        "best",
        description="Epoch that is kept: the best on the dev texts, or the last without stopping early, "
        "where dev texts are too few to choose by.",
    )
    learning_rate: float | None = Field(
        None, gt=0, lt=1, description="Highest rate for the encoder; None chooses by its size."
    )
    head_learning_rate: float | None = Field(
        None, gt=0, lt=1, description="Highest rate for the head; None is ten times the encoder's."
    )
    layer_decay: float = Field(
        1.0,
        gt=0,
        le=1,
        description="Each layer's rate is this times the next higher layer's; the embeddings' is the lowest.",
    )
    embedding_factor: float = Field(
        1.0, gt=0, le=1, description="The embeddings' rate is this times what it would be."
    )
    freeze_embeddings: bool = Field(
        False, description="Leave the word embeddings as they are; quicker, for a pretrained encoder."
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
    class_weights: Literal["none", "balanced"] = Field(
        "none", description="balanced: rare labels count more, in inverse proportion to their number."
    )
    focal_gamma: float = Field(
        0.0,
        ge=0,
        le=10,
        description="Focal loss: how much less a text counts that is already right; 0 is off.",
    )
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
        "auto",
        description="Arithmetic of training; auto is bf16 where the machine computes it itself, else fp16 on "
        "a GPU and fp32 on a CPU. Scores are always computed in fp32.",
    )
    compile: bool = Field(
        False,
        description="Compile the model with torch.compile: a minute, a C++ compiler, and it may not pay.",
    )
    quantize: str | None = Field(
        None,
        description="Plan, by name or file, that training is aware of; the weights end up on its grid.",
    )
    sparsity: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="Share of each linear layer's weights that ends up zero; pays in the compressed file.",
    )
    clusters: int | None = Field(
        None,
        ge=2,
        le=256,
        description="Values that each weight ends up with: a palette where the format has one; elsewhere it "
        "pays in the compressed file.",
    )
    seed: int = Field(0, ge=0, lt=2**32, description="Of the head's start, the batches and the dropout.")

    @model_validator(mode="after")
    def _one_kind_of_values(self) -> Self:
        if self.clusters is not None and self.quantize is not None:
            raise ValueError(
                "clusters and quantize both say which values weights have; give one of them. A plan with a "
                "palette, as quantize = 'palette4', has 16 values too"
            )
        return self

    @property
    def is_gradual(self) -> bool:
        """Whether weights become what they are to be by and by, so that the last epoch counts."""
        return self.sparsity is not None or self.clusters is not None

    @property
    def head_settings(self) -> HeadSettings:
        """The head these settings ask for."""
        return HeadSettings(kind=self.head, pooling=self.pooling, dropout=self.dropout)


DEFAULT_SETTINGS = FinetuneSettings()


class DistillSettings(FinetuneSettings):
    """Settings of `distill`: those of fine-tuning, and what is learned from the teacher."""

    temperature: float = Field(
        2.0, ge=1, le=100, description="Logits of both are divided by it, which shows how labels resemble."
    )
    soft_weight: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Share of the teacher's soft labels in the loss; the rest is the label's.",
    )
    hidden_weight: float = Field(
        0.0, ge=0, le=100, description="Weight of the hidden states' distance from the teacher's."
    )
    attention_weight: float = Field(
        0.0, ge=0, le=100, description="Weight of the attention maps' divergence from the teacher's."
    )
    head: Literal["linear", "two-layer"] = Field(
        "linear",
        description="Of a student without a head; one that `shrink` cut from a classifier keeps its own.",
    )
