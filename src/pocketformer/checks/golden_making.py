"""Making golden vectors: the golden texts through the checkpoint, by transformers."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import numpy as np

from pocketformer.checkpoint import is_classifier, load_encoder, local_directory
from pocketformer.checks.encoders import hidden_states
from pocketformer.checks.golden import STATE_VALUES, Golden, GoldenCase
from pocketformer.checks.golden_texts import golden_texts
from pocketformer.checks.reference import Reference
from pocketformer.checks.tolerances import TOLERANCES
from pocketformer.tokenizer import cut_text, read_tokenizer, reference_ids

__all__ = ["make_golden"]


def make_golden(source: str, edition: str, lengths: Sequence[int], max_bytes: int) -> Golden:
    """Run the golden texts through a checkpoint with transformers.

    Args:
        source: The checkpoint the files were exported from.
        edition: Name of the edition.
        lengths: Tokens per id signature of the files, ascending.
        max_bytes: Bytes of text that the files read.

    Raises:
        CheckpointError: The checkpoint cannot be used.
        TokenizerError: Its tokenizer cannot run inside a file.
    """
    texts = golden_texts()
    if is_classifier(source):
        return _of_classifier(Reference(source, max_bytes, lengths[-1]), texts, edition, lengths)
    return _of_encoder(source, texts, edition, lengths, max_bytes)


def _of_classifier(
    reference: Reference, texts: Sequence[bytes], edition: str, lengths: Sequence[int]
) -> Golden:
    outputs = reference.run(texts)
    model, max_bytes = reference.model, reference.max_bytes
    ids = _unpadded(outputs.input_ids, outputs.attention_mask)
    cases = zip(_cases(reference.source, texts, ids, max_bytes), outputs.scores, outputs.logits, strict=True)
    return Golden(
        edition=edition,
        kind="classifier",
        labels=model.labels,
        multi_label=model.multi_label,
        lengths=tuple(lengths),
        max_bytes=max_bytes,
        tolerance={name: limits.unlabelled_error for name, limits in TOLERANCES.items()},
        cases=tuple(
            case.model_copy(update={"scores": _short(scores), "logits": _short(logits)})
            for case, scores, logits in cases
        ),
    )


def _of_encoder(
    source: str, texts: Sequence[bytes], edition: str, lengths: Sequence[int], max_bytes: int
) -> Golden:
    encoder = load_encoder(source)
    tokenizer = read_tokenizer(local_directory(source))
    ids = _unpadded(*reference_ids(tokenizer, texts, max_bytes, lengths[-1]))
    states = [hidden_states(encoder, row)[0] for row in ids]
    cases = zip(_cases(source, texts, ids, max_bytes), states, strict=True)
    return Golden(
        edition=edition,
        kind="encoder",
        labels=(),
        multi_label=False,
        lengths=tuple(lengths),
        max_bytes=max_bytes,
        tolerance={name: limits.hidden_state_error for name, limits in TOLERANCES.items()},
        cases=tuple(
            case.model_copy(
                update={
                    "state": _short(state[:STATE_VALUES]),
                    "state_norm": _short(np.array([np.linalg.norm(state)]))[0],
                }
            )
            for case, state in cases
        ),
    )


def _cases(
    source: str, texts: Sequence[bytes], ids: Sequence[np.ndarray], max_bytes: int
) -> list[GoldenCase]:
    """Return the cases as far as the tokenizer goes."""
    tokenizer = read_tokenizer(local_directory(source))
    return [
        GoldenCase(
            encoded=base64.b64encode(text).decode("ascii"),
            text=_valid(text),
            input_ids=tuple(int(one) for one in row),
            length=len(row),
            truncated=len(text) > max_bytes
            or len(tokenizer.encode(cut_text(text, max_bytes)).ids) > len(row),
        )
        for text, row in zip(texts, ids, strict=True)
    ]


def _unpadded(ids: np.ndarray, mask: np.ndarray) -> list[np.ndarray]:
    return [row[: int(real.sum())] for row, real in zip(ids, mask, strict=True)]


def _valid(content: bytes) -> str | None:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _short(values: np.ndarray) -> tuple[float, ...]:
    """Return float32 values with no more digits than tell them from their neighbours."""
    return tuple(float(str(value)) for value in values.astype(np.float32))
