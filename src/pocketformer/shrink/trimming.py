"""From settings and a corpus to a trimmed tokenizer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pocketformer.errors import DataError
from pocketformer.shrink.settings import VocabularySettings
from pocketformer.shrink.vocabulary import kept_ids
from pocketformer.shrink.wordpiece import trim_tokenizer
from pocketformer.shrink.words import read_words

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

__all__ = ["trimmed"]


def trimmed(
    tokenizer: PreTrainedTokenizerFast, settings: VocabularySettings, texts: Sequence[str]
) -> tuple[PreTrainedTokenizerFast, list[int]]:
    """Return the tokenizer with what the settings keep of it, and the old ids of its pieces, ascending.

    Args:
        tokenizer: With a WordPiece vocabulary.
        settings: What is kept.
        texts: The corpus whose pieces stay.

    Raises:
        DataError: Neither texts nor words, or a frequency list that cannot be read.
        TokenizerError: Another kind of tokenizer.
    """
    words = read_words(settings.words, settings.top_words)
    if not texts and not words:
        raise DataError(
            "There are no texts to trim the vocabulary to; give the training table, a frequency list as "
            "words, or set trim_vocabulary to false."
        )
    keep = kept_ids(tokenizer, texts, words, settings.min_count, settings.foreign_letters)
    return trim_tokenizer(tokenizer, keep), keep
