"""Which word of its text each token stands in: where two tokenizers of one text meet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

__all__ = ["OUTSIDE", "WordNumbers", "aligned", "number_words", "word_weights"]

#: Word number of a token that takes no part: padding, or a word the other tokenizer has cut off.
OUTSIDE = -1

WordNumbers = list[int]


def number_words(
    tokenizer: PreTrainedTokenizerFast, texts: Sequence[str], max_length: int
) -> list[tuple[WordNumbers, bool]]:
    """Return for each text the word number of each token, and whether the text was cut.

    [CLS] is word 0, the text's words count from 1, and [SEP] comes after the last of them.
    """
    numbered = []
    for text in tokenizer(list(texts), truncation=True, max_length=max_length).encodings:
        words = [word + 1 for word in text.word_ids[1:-1]]
        numbered.append(([0, *words, max(words, default=0) + 1], bool(text.overflowing)))
    return numbered


def aligned(
    student: tuple[WordNumbers, bool], teacher: tuple[WordNumbers, bool]
) -> tuple[WordNumbers, WordNumbers]:
    """Return the word numbers of both tokenizers' tokens of one text, so that equal numbers mean equal words.

    Words that only one of the two had room for are left out. Where the two disagree about what a word is,
    the whole text is: nothing says which of their words are the same.
    """
    (ours, ours_cut), (theirs, theirs_cut) = student, teacher
    if ours[-1] != theirs[-1] and not (ours_cut or theirs_cut):
        return [OUTSIDE] * len(ours), [OUTSIDE] * len(theirs)
    common = min(ours[-1], theirs[-1])
    return _limited(ours, common), _limited(theirs, common)


def word_weights(words: torch.Tensor, count: int) -> torch.Tensor:
    """Return how tokens add up to words: 0 or 1, float32 `[batch, words, length]`.

    Args:
        words: Word numbers, int `[batch, length]`.
        count: Number of words, of the text with the most.
    """
    outside = words == OUTSIDE
    one_hot = F.one_hot(words.masked_fill(outside, count), count + 1)[..., :count]
    return one_hot.transpose(1, 2).float()


def _limited(words: WordNumbers, end: int) -> WordNumbers:
    """Leave out the words from number `end` on, and give the last token, [SEP], that number."""
    return [word if word < end else OUTSIDE for word in words[:-1]] + [end]
