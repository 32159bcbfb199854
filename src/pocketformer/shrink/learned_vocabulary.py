"""A WordPiece vocabulary learned from texts, in which words of a script without spaces are pieces.

BERT's own tokenizer makes every Chinese character a word. Without that step WordPiece (Schuster and Nakajima
2012) cuts a run of characters into the longest pieces it knows, words and phrases among them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import BertTokenizerFast

from pocketformer.errors import DataError

__all__ = ["learned_tokenizer"]

_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
_INSIDE = "##"
_LEAST = 2  # occurrences of a piece that is no single character


def learned_tokenizer(
    texts: Sequence[str], size: int, *, lowercase: bool = True, min_count: int = 3
) -> BertTokenizerFast:
    """Return a tokenizer whose pieces were joined from the characters of `texts`.

    Pieces that the texts do not use twice are left out again. Every character of the texts stays, as the
    first of a word and inside one, so that new words of old characters are never unknown.

    Args:
        texts: To learn from.
        size: Pieces to learn, before unused ones are left out and single characters are added.
        lowercase: Letters are lowercased and accents removed.
        min_count: Occurrences from which on two pieces may be joined.

    Raises:
        DataError: No texts with a character in them.
    """
    if not any(text.strip() for text in texts):
        raise DataError("There are no texts to learn a vocabulary from; give the training table.")
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(handle_chinese_chars=False, lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    characters = {sign for text in texts for sign in tokenizer.normalizer.normalize_str(text)}
    characters = {sign for sign in characters if not sign.isspace()}
    inside = sorted(_INSIDE + sign for sign in characters)
    trainer = trainers.WordPieceTrainer(
        vocab_size=size,
        min_frequency=min_count,
        # Numbered beforehand: the trainer meets words in a drawn order, and numbers decide among equals.
        special_tokens=[*_SPECIAL, *inside],
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    counts = Counter(piece for found in tokenizer.encode_batch(list(texts)) for piece in found.tokens)
    used = {piece for piece, count in counts.items() if count >= _LEAST}
    pieces = _SPECIAL + sorted((used | characters | set(inside)) - set(_SPECIAL))
    return BertTokenizerFast(
        vocab={piece: number for number, piece in enumerate(pieces)},
        do_lower_case=lowercase,
        tokenize_chinese_chars=False,
    )
