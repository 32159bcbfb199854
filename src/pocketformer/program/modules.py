"""What each signature computes, as a module over the one encoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from pocketformer.checkpoint import require_supported
from pocketformer.tokenizer import InGraphTokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from pocketformer.checkpoint import TextClassifier

#: Added to the attention scores of padding: far below any real score, and finite in float16.
MASKED_SCORE = -1e4


def _encoder_inputs(input_ids: Tensor, mask: Tensor) -> dict[str, Tensor]:
    """Return position ids and an additive mask of our own: Hugging Face's mask code does not convert."""
    positions = torch.arange(input_ids.shape[1], dtype=torch.int32).unsqueeze(0)
    additive = (1 - mask.to(torch.float32)) * MASKED_SCORE
    return {"position_ids": positions, "encoder_mask": additive[:, None, None, :]}


class ClassifyIds(nn.Module):
    """Ids [1, length] to scores and logits [1, labels]."""

    def __init__(self, model: TextClassifier) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> dict[str, Tensor]:
        """Return `scores` and `logits`, float32 [1, labels], of ids, mask and types, int32 [1, length]."""
        mask = torch.clamp(attention_mask, 0, 1)
        output = self.model(input_ids, mask, token_type_ids, **_encoder_inputs(input_ids, mask))
        logits = output.logits
        scores = torch.sigmoid(logits) if self.model.multi_label else torch.softmax(logits, dim=-1)
        return {"scores": scores, "logits": logits}


class EncodeIds(nn.Module):
    """Ids [1, length] to last_hidden_state [1, length, hidden], and pooler_output [1, hidden] if any."""

    def __init__(self, encoder: PreTrainedModel) -> None:
        super().__init__()
        self.encoder = encoder
        model_type = encoder.config.model_type
        self.takes_token_types = require_supported(model_type, model_type).takes_token_types

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> dict[str, Tensor]:
        """Return float32 states of ids, mask and types, int32 [1, length]."""
        mask = torch.clamp(attention_mask, 0, 1)
        inputs = _encoder_inputs(input_ids, mask)
        inputs["attention_mask"] = inputs.pop("encoder_mask")
        if self.takes_token_types:
            inputs["token_type_ids"] = token_type_ids
        output = self.encoder(input_ids=input_ids, **inputs)
        outputs = {"last_hidden_state": output.last_hidden_state}
        if getattr(output, "pooler_output", None) is not None:
            outputs["pooler_output"] = output.pooler_output
        return outputs


class LogitsOnly(nn.Module):
    """The familiar signature of a classifier: ids to logits."""

    def __init__(self, classify: nn.Module) -> None:
        super().__init__()
        self.classify = classify

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> dict[str, Tensor]:
        """Return `logits` [1, labels] of ids, mask and types, int32 [1, length]."""
        return {"logits": self.classify(input_ids, attention_mask, token_type_ids)["logits"]}


class Tokenize(nn.Module):
    """Text bytes [1, bytes] to ids, mask and types [1, length], and the count of real ids [1]."""

    def __init__(self, tokenizer: InGraphTokenizer) -> None:
        super().__init__()
        self.tokenizer = tokenizer

    def forward(self, text: Tensor) -> dict[str, Tensor]:
        """Return int32 ids, mask and types [1, length] and `length` [1] of `text`, int32 [1, bytes]."""
        tokens = self.tokenizer(text)
        return {
            "input_ids": tokens.input_ids,
            "attention_mask": tokens.attention_mask,
            "token_type_ids": tokens.token_type_ids,
            "length": tokens.length,
        }


class FromText(nn.Module):
    """Text bytes [1, bytes] to whatever the id module gives at the full length."""

    def __init__(self, tokenizer: InGraphTokenizer, on_ids: nn.Module) -> None:
        super().__init__()
        self.tokenizer = tokenizer
        self.on_ids = on_ids

    def forward(self, text: Tensor) -> dict[str, Tensor]:
        """Return what the id module gives for `text`, int32 [1, bytes]."""
        tokens = self.tokenizer(text)
        outputs: dict[str, Tensor] = self.on_ids(
            tokens.input_ids, tokens.attention_mask, tokens.token_type_ids
        )
        return outputs
