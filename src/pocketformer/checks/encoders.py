"""Parity of an encoder's file: its hidden states against PyTorch's, over the real tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from transformers import PreTrainedModel

from pocketformer.checkpoint import load_encoder, local_directory, require_supported
from pocketformer.checks.outputs import Progress
from pocketformer.checks.parity import Parity, as_tokens
from pocketformer.prediction import TextModel
from pocketformer.tokenizer import read_tokenizer, reference_ids


@dataclass(frozen=True, slots=True)
class _Difference:
    largest: float
    relative: float  # Frobenius norm of the difference over that of PyTorch's states


def compare_encoder(
    model: TextModel, source: str, texts: Sequence[str], on_progress: Progress | None = None
) -> Parity:
    """Compare `last_hidden_state` of a file with transformers on texts, from their bytes.

    Args:
        model: An open encoder file.
        source: The checkpoint it was exported from.
        texts: What to compare on.
        on_progress: Called with the fraction done and a short message.

    Returns:
        A parity whose logit errors are errors of hidden states; the relative one is the norm of the
        difference over the norm of PyTorch's states, per text.
    """
    encoder = load_encoder(source)
    metadata = model.card.metadata
    length = max(metadata["lengths"])
    ids, masks = reference_ids(read_tokenizer(local_directory(source)), texts, metadata["max_bytes"], length)
    mismatches = [text for row, text in enumerate(texts) if not _same_ids(model, text, ids[row], masks[row])]
    differences = []
    for row, text in enumerate(texts):
        count = int(masks[row].sum())
        states = model.encode(text)["last_hidden_state"][0, :count]
        differences.append(_difference(states, hidden_states(encoder, ids[row, :count])))
        if on_progress is not None:
            on_progress((row + 1) / len(texts), f"{row + 1} of {len(texts)} texts")
    return Parity(
        texts=len(texts),
        token_mismatches=len(mismatches),
        first_mismatch=mismatches[0] if mismatches else "",
        max_logit_error=max(found.largest for found in differences),
        mean_relative_error=float(np.mean([found.relative for found in differences])),
        max_relative_error=max(found.relative for found in differences),
        max_score_error=0.0,
        top1_agreement=1.0,
        signatures=_signature_errors(model, encoder, texts, ids, masks),
    )


def _signature_errors(
    model: TextModel, encoder: PreTrainedModel, texts: Sequence[str], ids: np.ndarray, masks: np.ndarray
) -> dict[str, float]:
    """Return the largest error of `last_hidden_state` per signature, on the first text that is not empty."""
    row = next((row for row, text in enumerate(texts) if text.strip()), 0)
    count = int(masks[row].sum())
    expected = hidden_states(encoder, ids[row, :count])
    errors = {}
    for card in model.card.signatures:
        inputs = model.inputs_for(card, texts[row], as_tokens(ids[row], masks[row]))
        if inputs is None:
            continue
        outputs = model.run(card.name, inputs)
        if "last_hidden_state" in outputs:
            errors[card.name] = float(np.abs(outputs["last_hidden_state"][0, :count] - expected).max())
        else:
            errors[card.name] = float((outputs["input_ids"][0] != ids[row]).any())
    return errors


def _same_ids(model: TextModel, text: str, ids: np.ndarray, mask: np.ndarray) -> bool:
    tokens = model.tokenize(text)
    return bool((tokens.input_ids[0] == ids).all() and (tokens.attention_mask[0] == mask).all())


def hidden_states(encoder: PreTrainedModel, ids: np.ndarray) -> np.ndarray:
    """Return transformers' states [tokens, hidden] for one unpadded row of ids [tokens]."""
    rows = torch.from_numpy(np.asarray(ids[None], np.int64))
    inputs = {"input_ids": rows, "attention_mask": torch.ones_like(rows)}
    if require_supported(encoder.config.model_type, "the encoder").takes_token_types:
        inputs["token_type_ids"] = torch.zeros_like(rows)
    with torch.inference_mode():
        states: np.ndarray = encoder(**inputs).last_hidden_state[0].numpy()
    return states


def _difference(states: np.ndarray, reference: np.ndarray) -> _Difference:
    error = states.astype(np.float64) - reference
    size = max(float(np.linalg.norm(reference)), 1e-12)
    return _Difference(float(np.abs(error).max()), float(np.linalg.norm(error)) / size)
