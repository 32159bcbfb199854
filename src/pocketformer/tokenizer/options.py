"""What a BERT tokenizer is set to do, and the refusal of any tokenizer of another kind."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tokenizers import Tokenizer

from pocketformer.errors import TokenizerError

__all__ = ["TokenizerOptions", "read_options"]

_SUPPORTED = {"normalizer": "BertNormalizer", "pre_tokenizer": "BertPreTokenizer", "model": "WordPiece"}
_TEMPLATES = ("BertProcessing", "TemplateProcessing")
_WIDENING_FLAGS = ("single_word", "lstrip", "rstrip", "normalized")


@dataclass(frozen=True, slots=True)
class TokenizerOptions:
    """The settings of a BERT tokenizer.

    Attributes:
        lowercase: Letters are lowercased.
        strip_accents: Accents are removed; None means as `lowercase` says.
        tokenize_chinese_chars: Every CJK ideograph is a word of its own.
        clean_text: Control characters and U+FFFD are removed.
        unk_id, cls_id, sep_id, pad_id: Ids of the special tokens.
        max_chars_per_word: A word of more characters is `[UNK]`.
        continuation_prefix: What a piece inside a word begins with in the vocabulary.
        vocabulary_size: One more than the highest id.
        special_tokens: Literal texts that map to an id wherever they stand, with these ids.
    """

    lowercase: bool
    strip_accents: bool | None
    tokenize_chinese_chars: bool
    clean_text: bool
    unk_id: int
    cls_id: int
    sep_id: int
    pad_id: int
    max_chars_per_word: int
    continuation_prefix: str
    vocabulary_size: int
    special_tokens: tuple[tuple[str, int], ...]

    @property
    def strips_accents(self) -> bool:
        """What `strip_accents` comes to."""
        return self.lowercase if self.strip_accents is None else self.strip_accents


def read_options(tokenizer: Tokenizer) -> TokenizerOptions:
    """Read a tokenizer's settings.

    Raises:
        TokenizerError: It is no BERT tokenizer, or it has special tokens that cannot run inside a file.
    """
    parts = json.loads(tokenizer.to_str())
    _check_kinds(parts)
    special_tokens = _special_tokens(parts["added_tokens"])
    normalizer, model = parts["normalizer"], parts["model"]
    cls_id, sep_id = _framing_ids(tokenizer, parts["post_processor"])
    return TokenizerOptions(
        lowercase=normalizer["lowercase"],
        strip_accents=normalizer["strip_accents"],
        tokenize_chinese_chars=normalizer["handle_chinese_chars"],
        clean_text=normalizer["clean_text"],
        unk_id=_vocabulary_id(model["vocab"], model["unk_token"], "unknown"),
        cls_id=cls_id,
        sep_id=sep_id,
        pad_id=_padding_id(tokenizer, parts["padding"]),
        max_chars_per_word=model["max_input_chars_per_word"],
        continuation_prefix=model["continuing_subword_prefix"],
        vocabulary_size=1 + max([*model["vocab"].values(), *(number for _, number in special_tokens)]),
        special_tokens=special_tokens,
    )


def _check_kinds(parts: dict[str, Any]) -> None:
    found = {part: _kind(parts[part]) for part in _SUPPORTED}
    if found != _SUPPORTED:
        raise TokenizerError(
            f"This tokenizer is {_sentence(found)}; only BERT's own ({_sentence(_SUPPORTED)}) can run inside "
            "a model file. Use a checkpoint with a BERT tokenizer, such as bert-base-uncased or MiniLM-L6."
        )
    for part in ("padding", "truncation"):
        if parts[part] and parts[part].get("direction", "Right") != "Right":
            raise TokenizerError(
                f"This tokenizer has {part} on the left; inside a model file it is on the right. "
                f'Set "direction" of "{part}" to "Right" in tokenizer.json, as the model was trained.'
            )


def _kind(part: dict[str, Any] | None) -> str:
    if part is None:
        return "none"
    inner = part.get("normalizers") or part.get("pretokenizers") or []
    kind = str(part["type"])
    return f"{kind}[{', '.join(_kind(item) for item in inner)}]" if inner else kind


def _sentence(kinds: dict[str, str]) -> str:
    return " + ".join(kinds.values())


def _special_tokens(added: list[dict[str, Any]]) -> tuple[tuple[str, int], ...]:
    for token in added:
        flags = [flag for flag in _WIDENING_FLAGS if token[flag]]
        if flags:
            raise TokenizerError(
                f"The added token {token['content']!r} is set to {', '.join(flags)}; inside a model file an "
                "added token matches its exact text only. Set these flags to false or remove the token."
            )
    tokens = tuple((str(token["content"]), int(token["id"])) for token in added)
    _check_overlaps([content for content, _ in tokens])
    return tokens


def _check_overlaps(contents: list[str]) -> None:
    """Refuse literals of which two could claim the same character of a text."""
    for first in contents:
        for second in contents:
            if (first != second and second in first) or any(
                first.endswith(second[:size]) for size in range(1, min(len(first), len(second)))
            ):
                raise TokenizerError(
                    f"The added tokens {first!r} and {second!r} can overlap in a text; inside a model file "
                    "each must stand apart. Rename or remove one of them."
                )


def _framing_ids(tokenizer: Tokenizer, post_processor: dict[str, Any] | None) -> tuple[int, int]:
    """The ids before and after every text, as the tokenizer itself puts them around an empty one."""
    kind = _kind(post_processor)
    encoding = tokenizer.encode("", add_special_tokens=True)
    ids = [number for number, real in zip(encoding.ids, encoding.attention_mask, strict=True) if real]
    if kind not in _TEMPLATES or len(ids) != 2 or any(encoding.type_ids):
        raise TokenizerError(
            f"This tokenizer puts {len(ids)} tokens around a text (post-processor: {kind}); BERT puts "
            "[CLS] before and [SEP] after it. Save it again with transformers' BertTokenizer."
        )
    return ids[0], ids[1]


def _padding_id(tokenizer: Tokenizer, padding: dict[str, Any] | None) -> int:
    token = padding["pad_token"] if padding else "[PAD]"
    number = tokenizer.token_to_id(token)
    if number is None:
        raise TokenizerError(
            f"The padding token {token!r} is not in the tokenizer's vocabulary. "
            'Name the right one as "pad_token" in tokenizer_config.json.'
        )
    return int(number)


def _vocabulary_id(vocabulary: dict[str, int], token: str, role: str) -> int:
    if token not in vocabulary:
        raise TokenizerError(
            f"The {role} token {token!r} is not in the vocabulary of {len(vocabulary)} pieces. "
            "Add it to the vocabulary file, or name the right one in tokenizer_config.json."
        )
    return vocabulary[token]
