"""Trimming a WordPiece vocabulary to the pieces that texts use, and the embedding with it.

WordPiece takes the longest piece that fits, from left to right. A text all of whose pieces are kept is
therefore split as before: each of its pieces was the longest among all, so it is among fewer. Any other text
falls back to shorter pieces, and where every character has a piece of its own there is always one that fits.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from pocketformer.checkpoint import load_tokenizer
from pocketformer.checkpoint.tokenizers import write_tokenizer
from pocketformer.errors import TokenizerError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

__all__ = ["Coverage", "coverage", "kept_ids", "trim_embedding", "trim_tokenizer"]

_ENCODED_AT_ONCE = 4096


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a trimmed vocabulary makes of texts.

    Attributes:
        texts: How many were read.
        same: Texts that are split into the same pieces as before.
        tokens: Pieces they were split into before, [CLS] and [SEP] not counted.
        tokens_now: Pieces they are split into now.
        unknown: Pieces that are [UNK] now and were not before.
    """

    texts: int
    same: int
    tokens: int
    tokens_now: int
    unknown: int


def kept_ids(
    tokenizer: PreTrainedTokenizerFast, texts: Iterable[str], words: Iterable[str] = (), min_count: int = 1
) -> list[int]:
    """Return the ids that stay, ascending.

    Those are the special tokens, all pieces of one character, all pieces with a character that has none of
    its own, the pieces that `texts` use at least `min_count` times, and the pieces of `words`.

    Args:
        tokenizer: With a WordPiece vocabulary.
        texts: The corpus.
        words: A frequency list, or any words that must not be split further.
        min_count: Occurrences from which on a piece of the corpus stays.

    Raises:
        TokenizerError: Another kind of tokenizer.
    """
    model = _backend(tokenizer)["model"]
    vocabulary: dict[str, int] = model["vocab"]
    prefix: str = model["continuing_subword_prefix"]
    counts = Counter(piece for ids in _encoded(tokenizer, list(texts)) for piece in ids)
    keep = {piece for piece, count in counts.items() if count >= min_count}
    keep.update(piece for ids in _encoded(tokenizer, list(words)) for piece in ids)
    keep.update(token["id"] for token in _backend(tokenizer)["added_tokens"])
    keep.add(vocabulary[model["unk_token"]])
    single = {piece for piece in vocabulary if len(piece.removeprefix(prefix)) == 1}
    for piece, number in vocabulary.items():
        if piece in single or not _parts(piece, prefix) <= single:
            keep.add(number)
    return sorted(keep)


def trim_tokenizer(tokenizer: PreTrainedTokenizerFast, keep: Sequence[int]) -> PreTrainedTokenizerFast:
    """Return the tokenizer with the pieces `keep` alone, numbered in their order.

    Args:
        tokenizer: With a WordPiece vocabulary.
        keep: Ids that stay, ascending.

    Raises:
        TokenizerError: Another kind of tokenizer.
    """
    number = {old: new for new, old in enumerate(keep)}
    content = _backend(tokenizer)
    model = content["model"]
    model["vocab"] = {
        piece: number[old]
        for piece, old in sorted(model["vocab"].items(), key=lambda entry: entry[1])
        if old in number
    }
    for token in content["added_tokens"]:
        token["id"] = number[token["id"]]
    for special in (content.get("post_processor") or {}).get("special_tokens", {}).values():
        special["ids"] = [number[old] for old in special["ids"]]
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        write_tokenizer(tokenizer, directory)
        (directory / "tokenizer.json").write_text(json.dumps(content, ensure_ascii=False), "utf-8")
        pieces = "".join(f"{piece}\n" for piece in model["vocab"])
        (directory / "vocab.txt").write_text(pieces, "utf-8")
        config_path = directory / "tokenizer_config.json"
        config = json.loads(config_path.read_text("utf-8"))
        if "added_tokens_decoder" in config:
            decoder = config["added_tokens_decoder"]
            config["added_tokens_decoder"] = {str(number[int(old)]): decoder[old] for old in decoder}
        config_path.write_text(json.dumps(config, ensure_ascii=False), "utf-8")
        trimmed = load_tokenizer(directory)
    trimmed.name_or_path = ""  # the folder it was read from is gone
    return trimmed


def trim_embedding(encoder: PreTrainedModel, keep: Sequence[int], pad_id: int) -> None:
    """Keep the rows `keep` of an encoder's word embeddings `[pieces, width]`, in place.

    Args:
        encoder: Its configuration gets the new size and padding id.
        keep: Ids that stay, ascending.
        pad_id: New id of the padding.
    """
    old: nn.Embedding = encoder.get_input_embeddings()
    rows = old.weight.detach()[torch.tensor(keep)].clone()
    encoder.set_input_embeddings(nn.Embedding(rows.shape[0], rows.shape[1], pad_id, _weight=rows))
    encoder.config.vocab_size = len(keep)
    encoder.config.pad_token_id = pad_id


def coverage(
    before: PreTrainedTokenizerFast, after: PreTrainedTokenizerFast, texts: Sequence[str]
) -> Coverage:
    """Count what a trimmed tokenizer makes of texts, held-out ones best."""
    pieces = [[one.convert_ids_to_tokens(ids) for ids in _encoded(one, texts)] for one in (before, after)]
    same = sum(old == new for old, new in zip(*pieces, strict=True))
    unknown = [
        sum(text.count(one.unk_token) for text in part)
        for one, part in zip((before, after), pieces, strict=True)
    ]
    totals = [sum(map(len, part)) for part in pieces]
    return Coverage(len(texts), same, totals[0], totals[1], max(0, unknown[1] - unknown[0]))


def _parts(piece: str, prefix: str) -> set[str]:
    """Return the pieces of one character that a piece could be put together from."""
    if piece.startswith(prefix) and len(piece) > len(prefix):
        return {prefix + character for character in piece.removeprefix(prefix)}
    return {piece[0], *(prefix + character for character in piece[1:])}


def _encoded(tokenizer: PreTrainedTokenizerFast, texts: Sequence[str]) -> Iterable[list[int]]:
    for start in range(0, len(texts), _ENCODED_AT_ONCE):
        yield from tokenizer(
            list(texts[start : start + _ENCODED_AT_ONCE]),
            add_special_tokens=False,
            truncation=False,
            return_attention_mask=False,
            return_token_type_ids=False,
        )["input_ids"]


def _backend(tokenizer: PreTrainedTokenizerFast) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(tokenizer.backend_tokenizer.to_str())
    if content["model"]["type"] != "WordPiece":
        raise TokenizerError(
            f"The tokenizer's model is {content['model']['type']}, and only a WordPiece vocabulary can be "
            "trimmed; leave trim_vocabulary off."
        )
    return content
