"""A WordPiece tokenizer and its embedding with some of their pieces alone, numbered anew."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from pocketformer.checkpoint import load_tokenizer
from pocketformer.checkpoint.tokenizers import write_tokenizer
from pocketformer.errors import CheckpointError, TokenizerError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

__all__ = ["content_of", "trim_embedding", "trim_tokenizer"]

_ID_SUFFIX = "_token_id"


def content_of(tokenizer: PreTrainedTokenizerFast) -> dict[str, Any]:
    """Return what tokenizer.json says of a WordPiece tokenizer.

    Raises:
        TokenizerError: It is of another kind.
    """
    content: dict[str, Any] = json.loads(tokenizer.backend_tokenizer.to_str())
    if content["model"]["type"] != "WordPiece":
        raise TokenizerError(
            f"The tokenizer's model is {content['model']['type']}, and only a WordPiece vocabulary can be "
            "trimmed; leave trim_vocabulary off."
        )
    return content


def trim_tokenizer(tokenizer: PreTrainedTokenizerFast, keep: Sequence[int]) -> PreTrainedTokenizerFast:
    """Return the tokenizer with the pieces `keep` alone, numbered in their order.

    Args:
        tokenizer: With a WordPiece vocabulary.
        keep: Ids that stay, ascending; the special tokens' are among them.

    Raises:
        TokenizerError: Another kind of tokenizer.
    """
    number = {old: new for new, old in enumerate(keep)}
    content = content_of(tokenizer)
    model = content["model"]
    by_id = sorted(model["vocab"].items(), key=lambda entry: entry[1])
    model["vocab"] = {piece: number[old] for piece, old in by_id if old in number}
    for token in content["added_tokens"]:
        token["id"] = number[token["id"]]
    _renumber_framing(content["post_processor"] or {}, number)
    content["padding"] = content["truncation"] = None  # left behind by calls; padding holds an id
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        write_tokenizer(tokenizer, directory)
        (directory / "tokenizer.json").write_text(json.dumps(content, ensure_ascii=False), "utf-8")
        pieces = "".join(f"{piece}\n" for piece in model["vocab"])
        (directory / "vocab.txt").write_text(pieces, "utf-8")
        _renumber_config(directory / "tokenizer_config.json", number)
        trimmed = load_tokenizer(directory)
    trimmed.name_or_path = ""  # the folder it was read from is gone
    return trimmed


def trim_embedding(encoder: PreTrainedModel, keep: Sequence[int], pad_id: int) -> None:
    """Keep the rows `keep` of an encoder's word embeddings `[pieces, width]`, in place.

    Args:
        encoder: Its configuration gets the new size and the new ids of the special tokens.
        keep: Ids that stay, ascending.
        pad_id: New id of the padding.

    Raises:
        CheckpointError: An id that has no row.
    """
    weight = encoder.get_input_embeddings().weight.detach()
    if keep[-1] >= len(weight):
        raise CheckpointError(
            f"The tokenizer gives the id {keep[-1]}, but the embedding has {len(weight)} rows. "
            "Take the tokenizer's files and the weights from the same checkpoint."
        )
    rows = weight[torch.tensor(keep)].clone()
    encoder.set_input_embeddings(nn.Embedding(rows.shape[0], rows.shape[1], pad_id, _weight=rows))
    number = {old: new for new, old in enumerate(keep)}
    for name, old in encoder.config.to_dict().items():
        if name.endswith(_ID_SUFFIX) and isinstance(old, int):
            setattr(encoder.config, name, number.get(old))
    encoder.config.vocab_size = len(keep)
    encoder.config.pad_token_id = pad_id


def _renumber_framing(processor: dict[str, Any], number: Mapping[int, int]) -> None:
    """Renumber what stands around a text, in each of the ways tokenizer.json can say it."""
    for part in processor.get("processors", ()):
        _renumber_framing(part, number)
    for special in processor.get("special_tokens", {}).values():  # TemplateProcessing
        special["ids"] = [number[old] for old in special["ids"]]
    for name in ("cls", "sep"):  # BertProcessing
        if name in processor:
            token, old = processor[name]
            processor[name] = [token, number[old]]


def _renumber_config(path: Path, number: Mapping[int, int]) -> None:
    config = json.loads(path.read_text("utf-8"))
    if "added_tokens_decoder" in config:
        decoder = config["added_tokens_decoder"]
        config["added_tokens_decoder"] = {str(number[int(old)]): decoder[old] for old in decoder}
    path.write_text(json.dumps(config, ensure_ascii=False), "utf-8")
