"""A checkpoint's own tokenizer files, read into a `tokenizers.Tokenizer`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

from pocketformer.errors import TokenizerError
from pocketformer.tokenizer.options import TokenizerOptions, read_options

__all__ = ["read_tokenizer"]

_ROLES = {"unk": "[UNK]", "sep": "[SEP]", "pad": "[PAD]", "cls": "[CLS]", "mask": "[MASK]"}
_REFETCH = "Fetch the tokenizer's files again from the pretrained model."


def read_tokenizer(source: str | Path) -> Tokenizer:
    """Read the tokenizer of a checkpoint.

    Args:
        source: A checkpoint directory, a `tokenizer.json` or a `vocab.txt`. In a directory, tokenizer.json is
            read, or else vocab.txt with the options of tokenizer_config.json (BertTokenizer's defaults
            where it says nothing).

    Returns:
        The tokenizer, without truncation, and padding only as long as the longest text of a batch.

    Raises:
        TokenizerError: There are no such files, they are broken or contradict each other, or the tokenizer
            is of a kind that cannot run inside a model file.
    """
    path = Path(source)
    directory = path if path.is_dir() else path.parent
    config = _read_json(directory / "tokenizer_config.json")
    file = _tokenizer_file(path)
    tokenizer = _from_json(file) if file.suffix == ".json" else _from_vocabulary(file, config)
    pad = _token_text(config.get("pad_token"))
    if pad is not None or tokenizer.padding is None:
        pad = pad or "[PAD]"
        tokenizer.enable_padding(pad_id=tokenizer.token_to_id(pad) or 0, pad_token=pad)
    options = read_options(tokenizer)
    _check_agreement(options, config, file)
    tokenizer.no_truncation()
    tokenizer.enable_padding(pad_id=options.pad_id, pad_token=tokenizer.id_to_token(options.pad_id))
    return tokenizer


def _tokenizer_file(path: Path) -> Path:
    if path.is_file():
        return path
    for name in ("tokenizer.json", "vocab.txt"):
        if (path / name).is_file():
            return path / name
    raise TokenizerError(
        f"{str(path)!r} holds no tokenizer: expected tokenizer.json, or vocab.txt. "
        "Copy the tokenizer's files of the pretrained model into it."
    )


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise TokenizerError(f"{str(path)!r} is no valid JSON ({error}). {_REFETCH}") from error
    if not isinstance(content, dict):
        raise TokenizerError(f"{str(path)!r} holds a {type(content).__name__}, not an object. {_REFETCH}")
    return content


def _from_json(path: Path) -> Tokenizer:
    _read_json(path)
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the Rust library raises no class of its own
        raise TokenizerError(f"{str(path)!r} is no tokenizer file ({error}). {_REFETCH}") from error


def _from_vocabulary(path: Path, config: dict[str, Any]) -> Tokenizer:
    vocabulary = _read_vocabulary(path)
    legacy = _read_json(path.parent / "special_tokens_map.json")
    named = {**legacy, **config}
    token = {role: _token_text(named.get(f"{role}_token")) or text for role, text in _ROLES.items()}
    for role in ("unk", "sep", "pad", "cls"):
        if token[role] not in vocabulary:
            raise TokenizerError(
                f"The {role} token {token[role]!r} is none of the {len(vocabulary)} pieces in {str(path)!r}. "
                f'Add it, or name the right one as "{role}_token" in tokenizer_config.json.'
            )
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token=token["unk"]))
    tokenizer.normalizer = BertNormalizer(
        clean_text=True,
        handle_chinese_chars=config.get("tokenize_chinese_chars", True),
        strip_accents=config.get("strip_accents"),
        lowercase=config.get("do_lower_case", True),
    )
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single=f"{token['cls']} $A {token['sep']}",
        special_tokens=[(text, vocabulary[text]) for text in (token["cls"], token["sep"])],
    )
    _add_special_tokens(tokenizer, [text for text in token.values() if text in vocabulary], named)
    return tokenizer


def _read_vocabulary(path: Path) -> dict[str, int]:
    try:
        lines = path.read_text("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise TokenizerError(f"{str(path)!r} is not UTF-8 ({error}). {_REFETCH}") from error
    if lines[-1] == "":
        lines.pop()
    return {line.removesuffix("\r"): number for number, line in enumerate(lines)}


def _add_special_tokens(tokenizer: Tokenizer, contents: list[str], named: dict[str, Any]) -> None:
    tokenizer.add_special_tokens([AddedToken(text, normalized=False) for text in contents])
    for number, entry in sorted(named.get("added_tokens_decoder", {}).items(), key=lambda item: int(item[0])):
        flags = {flag: bool(entry.get(flag)) for flag in ("single_word", "lstrip", "rstrip", "normalized")}
        tokenizer.add_special_tokens([AddedToken(entry["content"], **flags)])
        if tokenizer.token_to_id(entry["content"]) != int(number):
            raise TokenizerError(
                f"tokenizer_config.json gives {entry['content']!r} the id {number}, vocab.txt gives it "
                f"{tokenizer.token_to_id(entry['content'])}. {_REFETCH}"
            )
    further = named.get("additional_special_tokens") or []
    texts = [text for text in map(_token_text, further) if text]
    tokenizer.add_special_tokens([AddedToken(text, normalized=False) for text in texts])


def _token_text(entry: object) -> str | None:
    """A special token's text: a string, or an object with `content`, as the configs of all years have it."""
    text = entry.get("content") if isinstance(entry, dict) else entry
    return text if isinstance(text, str) else None


def _check_agreement(options: TokenizerOptions, config: dict[str, Any], file: Path) -> None:
    """Refuse a tokenizer_config.json that says otherwise: transformers follows it, other tools do not."""
    strip = config.get("strip_accents")
    claimed = {
        "do_lower_case": (config.get("do_lower_case"), options.lowercase),
        "tokenize_chinese_chars": (config.get("tokenize_chinese_chars"), options.tokenize_chinese_chars),
        "strip_accents": (strip, options.strips_accents),
        "padding_side": (config.get("padding_side"), "right"),
        "truncation_side": (config.get("truncation_side"), "right"),
    }
    for name, (said, is_set) in claimed.items():
        if said is not None and said != is_set:
            raise TokenizerError(
                f"tokenizer_config.json says {name} = {said!r}, while {file.name} works with {is_set!r}. "
                "Make the two agree with how the model was trained."
            )
