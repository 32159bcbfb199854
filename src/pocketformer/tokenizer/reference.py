"""Hugging Face's own answer for the texts that a model file sees: the other side of every parity check."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from pocketformer.tokenizer.options import read_options
from pocketformer.tokenizer.text_bytes import cut_text

__all__ = ["reference_ids"]


def reference_ids(
    tokenizer: Tokenizer, texts: Sequence[str | bytes], max_bytes: int, max_length: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Tokenize with the tokenizers library.

    Args:
        tokenizer: As `read_tokenizer` returns it; it is left as it is.
        texts: Strings, or bytes that are read as UTF-8 with U+FFFD for what is not valid.
        max_bytes: Texts are cut to so many bytes, at a character boundary.
        max_length: Ids are truncated and padded to so many, `[CLS]` and `[SEP]` included.

    Returns:
        Ids and attention mask, int32 `[texts, max_length]`.
    """
    own = Tokenizer.from_str(tokenizer.to_str())
    own.enable_truncation(max_length)
    own.enable_padding(length=max_length, pad_id=read_options(tokenizer).pad_id)
    encodings = own.encode_batch([cut_text(text, max_bytes) for text in texts])
    ids = np.array([encoding.ids for encoding in encodings], dtype=np.int32)
    mask = np.array([encoding.attention_mask for encoding in encodings], dtype=np.int32)
    return ids.reshape(-1, max_length), mask.reshape(-1, max_length)
