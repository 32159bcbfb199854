"""The model on token ids of a checkpoint, as it ships, without its tokenizer: quick to build."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from torch import nn
from transformers import PreTrainedModel

from pocketformer.checkpoint import is_classifier, load_classifier, load_encoder
from pocketformer.program.embeddings import make_safe
from pocketformer.program.modules import ClassifyIds, EncodeIds

__all__ = ["model_in", "on_ids_module", "plain_attention"]


def on_ids_module(source: str) -> ClassifyIds | EncodeIds:
    """Return what the signatures `classify_K` or `encode_K` of a checkpoint compute, in eval mode.

    Raises:
        CheckpointError: The checkpoint cannot be used.
    """
    if is_classifier(source):
        classifier = load_classifier(source)
        make_safe(classifier.encoder)
        return ClassifyIds(classifier).eval()
    encoder = load_encoder(source)
    make_safe(encoder)
    return EncodeIds(encoder).eval()


def model_in(module: ClassifyIds | EncodeIds) -> nn.Module:
    """Return the checkpoint's own model inside, whose `named_modules()` are the names of its layers."""
    return module.model if isinstance(module, ClassifyIds) else module.encoder


@contextmanager
def plain_attention(module: nn.Module) -> Iterator[None]:
    """Let attention be matrix products and a softmax, so that its scores can be seen."""
    with ExitStack() as stack:
        for part in module.modules():
            if isinstance(part, PreTrainedModel):
                stack.callback(part.set_attn_implementation, part.config._attn_implementation)
                part.set_attn_implementation("eager")
        yield
