"""Which pieces of a WordPiece vocabulary stay, and what that makes of other texts.

WordPiece takes the longest piece that fits, from left to right. A text all of whose pieces stay is therefore
split as before: each of them was the longest among all pieces, so it is the longest among fewer. Any other
text falls back to shorter pieces, and as all pieces of one character stay, one always fits where each
character has its own: such a word is never unknown. Of one character, only what no text can ever use goes:
`##中` or `##!`, where the tokenizer makes every ideograph and punctuation mark a word of its own. Letters of
scripts that no text uses may go too, if asked for: half the single characters of an English vocabulary.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from pocketformer.shrink.wordpiece import content_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

__all__ = ["Coverage", "coverage", "kept_ids"]

_ENCODED_AT_ONCE = 4096


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a trimmed vocabulary makes of texts.

    Attributes:
        texts: How many were read.
        same: Texts that are split into the same pieces as before.
        tokens: Pieces they were split into before, [CLS] and [SEP] not counted.
        tokens_same: Those of them that are the same pieces at the same places now.
        tokens_now: Pieces they are split into now.
        unknown: Pieces that are [UNK] now and were not before.
    """

    texts: int
    same: int
    tokens: int
    tokens_same: int
    tokens_now: int
    unknown: int


def kept_ids(
    tokenizer: PreTrainedTokenizerFast,
    texts: Iterable[str],
    words: Iterable[str] = (),
    min_count: int = 1,
    foreign_letters: bool = True,
) -> list[int]:
    """Return the ids that stay, ascending.

    Those are the special and added tokens, all pieces of one character that a text can use, all pieces with a
    character that has none of its own, the pieces that `texts` use at least `min_count` times, and the pieces
    of `words`.

    Args:
        tokenizer: With a WordPiece vocabulary.
        texts: The corpus.
        words: A frequency list, or any words that must not be split further.
        min_count: Occurrences from which on a piece of the corpus stays.
        foreign_letters: Also keep single letters of scripts in which neither the corpus nor the words have a
            letter; without them, a text in such a script becomes unknown.

    Raises:
        TokenizerError: Another kind of tokenizer.
    """
    content = content_of(tokenizer)
    vocabulary: dict[str, int] = content["model"]["vocab"]
    prefix: str = content["model"]["continuing_subword_prefix"]
    counts = Counter(number for encoding in _encoded(tokenizer, texts) for number in encoding.ids)
    keep = {number for number, count in counts.items() if count >= min_count}
    listed = {number for encoding in _encoded(tokenizer, words) for number in encoding.ids}
    keep |= listed
    names = {number: piece for piece, number in vocabulary.items()}
    scripts = {script_of(letter) for number in counts.keys() | listed for letter in names[number]}
    keep.update(token["id"] for token in content["added_tokens"])
    keep.update(tokenizer.all_special_ids)
    keep.update(tokenizer("")["input_ids"])  # what stands around every text, named as special or not
    keep.add(vocabulary[content["model"]["unk_token"]])
    single = {piece for piece in vocabulary if len(piece.removeprefix(prefix)) == 1}
    for piece, number in vocabulary.items():
        if piece in single:
            script = script_of(piece.removeprefix(prefix))
            is_foreign = not foreign_letters and script is not None and script not in scripts
            if not is_foreign and not _never_used(tokenizer, piece, prefix):
                keep.add(number)
        elif not _parts(piece, prefix) <= single:
            keep.add(number)
    return sorted(keep)


def coverage(
    before: PreTrainedTokenizerFast, after: PreTrainedTokenizerFast, texts: Sequence[str]
) -> Coverage:
    """Count what a trimmed tokenizer makes of texts, held-out ones best."""
    same = tokens_same = 0
    tokens, unknown = [0, 0], [0, 0]
    for pair in zip(_encoded(before, texts), _encoded(after, texts), strict=True):
        old, new = (Counter(zip(one.tokens, one.offsets, strict=True)) for one in pair)
        same += pair[0].tokens == pair[1].tokens
        tokens_same += (old & new).total()
        for side, (tokenizer, one) in enumerate(zip((before, after), pair, strict=True)):
            tokens[side] += len(one.tokens)
            unknown[side] += one.tokens.count(tokenizer.unk_token)
    return Coverage(len(texts), same, tokens[0], tokens_same, tokens[1], max(0, unknown[1] - unknown[0]))


def script_of(character: str) -> str | None:
    """Return the script of a letter, as the first word of its Unicode name: "LATIN"; None of other signs."""
    if unicodedata.category(character)[0] not in "LM":
        return None
    return unicodedata.name(character, "").partition(" ")[0]


def _never_used(tokenizer: PreTrainedTokenizerFast, piece: str, prefix: str) -> bool:
    """Whether a piece is for one character inside a word, and that character always is a word of its own."""
    character = piece.removeprefix(prefix)
    if character == piece:
        return False
    backend = tokenizer.backend_tokenizer
    word = f"a{character}a"
    normal = backend.normalizer.normalize_str(word) if backend.normalizer else word
    return backend.pre_tokenizer is not None and character in {
        part for part, _ in backend.pre_tokenizer.pre_tokenize_str(normal)
    }


def _parts(piece: str, prefix: str) -> set[str]:
    """Return the pieces of one character that a piece could be put together from."""
    if piece.startswith(prefix) and len(piece) > len(prefix):
        return {prefix + character for character in piece.removeprefix(prefix)}
    return {piece[:1], *(prefix + character for character in piece[1:])}


def _encoded(tokenizer: PreTrainedTokenizerFast, texts: Iterable[str]) -> Iterator[Any]:
    """Yield the `tokenizers.Encoding` of each text, whole and without [CLS] and [SEP]."""
    rest = iter(texts)
    while part := list(islice(rest, _ENCODED_AT_ONCE)):
        yield from tokenizer(part, add_special_tokens=False, truncation=False).encodings
