"""The error of every layer of a saved file: its values inside against those of its checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from pocketformer.checkpoint import (
    is_classifier,
    load_classifier,
    load_encoder,
    local_directory,
    require_supported,
)
from pocketformer.checks.bisection import Bisection
from pocketformer.checks.layer_curve import LayerCurve, LayerRow
from pocketformer.checks.matching import best_matches
from pocketformer.checks.parity import as_tokens
from pocketformer.checks.plans import plan_of
from pocketformer.checks.recording import changes, record
from pocketformer.checks.tolerances import tolerance_for
from pocketformer.prediction import TextModel, Tokens
from pocketformer.program.on_ids import plain_attention
from pocketformer.tokenizer import read_tokenizer, reference_ids

__all__ = ["LayerCurve", "LayerRow", "layer_errors"]

# Texts among which the one with the largest error is chosen, evenly spaced over those given.
_TEXTS = 128

_NOISE = 1e-3  # far above float32's rounding, and small enough for what comes of it to be proportional


def layer_errors(model: TextModel, source: str, texts: Sequence[str | bytes]) -> LayerCurve:
    """Compare the values inside an open file with those of its checkpoint, run by transformers.

    Args:
        model: An open file of any format whose session can trace.
        source: The checkpoint it was exported from.
        texts: The one on which the file is furthest off is looked into, through the shortest id signature
            that holds it; of more than 128, that many are tried, evenly spaced.

    Raises:
        CheckpointError: The checkpoint cannot be used.
        InputError: The file takes no token ids.
    """
    reference = _Reference(source, model)
    tried = [texts[row] for row in np.linspace(0, len(texts) - 1, min(_TEXTS, len(texts)), dtype=int)]
    text, tokens = max(
        ((text, reference.tokens(text)) for text in tried), key=lambda pair: reference.error(pair[1])
    )
    signature = model.signature_for(tokens.count)
    length = model.length_for(signature, tokens.count)
    with plain_attention(reference.model):
        recording = record(reference.model, reference.inputs(tokens))
        with reference.noise():
            noisy = record(reference.model, reference.inputs(tokens))
    tensors = list(model.session.trace(signature, tokens.cut(length)))
    arrays = {place: value.array for place, value in enumerate(recording.values)}
    matches = best_matches(
        {place: array for place, array in arrays.items() if array is not None},
        tensors,
        length,
        tokens.count,
        reference.scales,
    )
    allowed = tolerance_for(plan_of(model.card)).hidden_state_error
    found = Bisection(recording, matches, allowed, changes(recording, noisy))
    shown = text if isinstance(text, str) else text.decode("utf-8", "replace")
    return LayerCurve(shown, signature, found.rows, **found.step())


class _Reference:
    """The checkpoint, as transformers runs it: its own embeddings and masks, without padding."""

    def __init__(self, source: str, model: TextModel) -> None:
        self._file = model
        self._tokenizer = read_tokenizer(local_directory(source))
        classifier = load_classifier(source) if is_classifier(source) else None
        encoder = load_encoder(source) if classifier is None else classifier.encoder
        self.model: nn.Module = classifier or encoder
        self._config = encoder.config
        self._embedding: torch.Tensor = encoder.get_input_embeddings().weight
        self._takes_types = require_supported(self._config.model_type, source).takes_token_types

    @property
    def scales(self) -> tuple[float, ...]:
        """One, and by what converters multiply queries and keys instead of their product."""
        width = getattr(self._config, "true_hidden_size", None) or self._config.hidden_size
        per_head = float(width / self._config.num_attention_heads)
        return (1.0, per_head**-0.25, per_head**-0.5)

    @contextmanager
    def noise(self) -> Iterator[None]:
        """Put a little noise on the words' embeddings inside the block."""
        exact = self._embedding.detach().clone()
        noise = torch.randn(exact.shape, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            self._embedding.mul_(1 + _NOISE * noise)
        try:
            yield
        finally:
            with torch.no_grad():
                self._embedding.copy_(exact)

    def tokens(self, text: str | bytes) -> Tokens:
        metadata = self._file.card.metadata
        ids, mask = reference_ids(self._tokenizer, [text], metadata["max_bytes"], max(metadata["lengths"]))
        return as_tokens(ids[0], mask[0])

    def inputs(self, tokens: Tokens) -> dict[str, torch.Tensor]:
        ids = torch.from_numpy(tokens.input_ids[:, : tokens.count].astype(np.int64))
        inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        return {**inputs, "token_type_ids": torch.zeros_like(ids)} if self._takes_types else inputs

    def error(self, tokens: Tokens) -> float:
        """Return how far the file's answer is off, relative to PyTorch's; inf where it is no number."""
        with torch.inference_mode():
            output = self.model(**self.inputs(tokens))
        _, found = self._file.run_tokens(tokens)
        name = "logits" if "logits" in found else "last_hidden_state"
        expected = output[name][0].numpy()
        actual = found[name][0] if name == "logits" else found[name][0, : tokens.count]
        error = float(np.linalg.norm(actual - expected) / max(float(np.linalg.norm(expected)), 1e-12))
        return float("inf") if np.isnan(error) else error
