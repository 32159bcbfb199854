"""The text classifier: a Hugging Face encoder, pooling, and a classification head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from transformers.modeling_outputs import SequenceClassifierOutput as ClassifierOutput

from pocketformer.checkpoint.architectures import Architecture, require_supported
from pocketformer.checkpoint.head import ClassificationHead, HeadSettings, mean_pool
from pocketformer.errors import CheckpointError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["ClassifierOutput", "TextClassifier"]


class TextClassifier(nn.Module):
    """Encoder → pooling → head.

    Args:
        encoder: A supported Hugging Face encoder, with its pooler when `settings.pooling` is 'pooler'.
        settings: The head.
        labels: Label names, in the order of the logits.
        multi_label: Whether several labels can hold at once (sigmoid) or exactly one (softmax).

    Raises:
        UnsupportedArchitectureError: The encoder is of another architecture.
        CheckpointError: The head wants the encoder's pooler and there is none.
    """

    def __init__(
        self, encoder: PreTrainedModel, settings: HeadSettings, labels: Sequence[str], *, multi_label: bool
    ) -> None:
        super().__init__()
        self.architecture: Architecture = require_supported(encoder.config.model_type, "the encoder given")
        if settings.pooling == "pooler" and getattr(encoder, "pooler", None) is None:
            raise CheckpointError(
                f"The head asks for the pooler of a {encoder.config.model_type} encoder that has none; "
                "choose the pooling 'mean' or 'cls'."
            )
        self.encoder = encoder
        self.settings = settings
        self.labels = tuple(labels)
        self.multi_label = multi_label
        self.head = ClassificationHead(settings, encoder.config.hidden_size, len(self.labels))

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        token_type_ids: torch.Tensor | None = None,
        *,
        position_ids: torch.Tensor | None = None,
        encoder_mask: torch.Tensor | None = None,
    ) -> ClassifierOutput:
        """Return logits `[batch, labels]`.

        Args:
            input_ids: Token ids, int `[batch, length]`.
            attention_mask: 1 for tokens, 0 for padding, int `[batch, length]`.
            token_type_ids: Int `[batch, length]`; ignored by encoders without token types.
            position_ids: Int `[1 or batch, length]`; None counts from 0.
            encoder_mask: Additive float mask `[batch, 1, 1, length]` for the encoder in place of
                `attention_mask` (0 keeps a token, a large negative number hides it), as exported
                programs need: Hugging Face's own mask code does not convert.
        """
        inputs: dict[str, Any] = {"input_ids": input_ids, "attention_mask": attention_mask}
        if encoder_mask is not None:
            inputs["attention_mask"] = encoder_mask
        if position_ids is not None:
            inputs["position_ids"] = position_ids
        if token_type_ids is not None and self.architecture.takes_token_types:
            inputs["token_type_ids"] = token_type_ids
        output: ClassifierOutput = ClassifierOutput(
            logits=self.classify(self.encoder(**inputs), attention_mask)
        )
        return output

    def classify(self, states: Any, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return logits `[batch, labels]` of what the encoder gave for a batch."""
        logits: torch.Tensor = self.head(self._pool(states, attention_mask))
        return logits

    def _pool(self, outputs: Any, attention_mask: torch.Tensor) -> torch.Tensor:
        if self.settings.pooling == "mean":
            return mean_pool(outputs.last_hidden_state, attention_mask)
        is_cls = self.settings.pooling == "cls"
        pooled: torch.Tensor = outputs.last_hidden_state[:, 0] if is_cls else outputs.pooler_output
        return pooled
