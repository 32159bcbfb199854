"""Embeddings that no id can read outside of."""

from __future__ import annotations

import re

import torch
from torch import Tensor, nn


def make_safe(encoder: nn.Module) -> None:
    """Make every id harmless in place: out-of-range word ids are clamped, token types computed.

    Weights are kept as they are. A runtime refuses, or reads past the end of, a table for an id
    outside it; and a two-row table looked up with constant zeros is folded by converters, so that
    the text and the id signatures would differ after quantising.
    """
    for name, module in list(encoder.named_modules()):
        if not isinstance(module, nn.Embedding) or isinstance(module, ClampedEmbedding):
            continue
        if re.search(r"(^|\.)word_embeddings$", name):
            encoder.set_submodule(name, ClampedEmbedding(module))
        elif re.search(r"(^|\.)token_type_embeddings$", name) and module.num_embeddings == 2:
            encoder.set_submodule(name, _TokenTypeEmbedding(module))


class ClampedEmbedding(nn.Embedding):
    """An embedding [rows, hidden] that reads its first or last row for an id outside it."""

    def __init__(self, embedding: nn.Embedding) -> None:
        super().__init__(embedding.num_embeddings, embedding.embedding_dim, _weight=embedding.weight)
        self.weight = embedding.weight

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  (the name that nn.Embedding gives it)
        """Return rows [..., hidden] of ids of any shape."""
        return nn.functional.embedding(torch.clamp(input, 0, self.num_embeddings - 1), self.weight)


class _TokenTypeEmbedding(nn.Module):
    """A two-row embedding as arithmetic: first row, plus the difference where the type is 1."""

    def __init__(self, embedding: nn.Embedding) -> None:
        super().__init__()
        first, second = embedding.weight.detach()
        self.register_buffer("first", first.clone())
        self.register_buffer("step", second - first)

    def forward(self, types: Tensor) -> Tensor:
        first, step = self.get_buffer("first"), self.get_buffer("step")
        return first + torch.clamp(types, 0, 1).to(first.dtype).unsqueeze(-1) * step
