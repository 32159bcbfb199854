"""The tokenizer's files of a checkpoint."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import TYPE_CHECKING

from tokenizers import Tokenizer
from transformers import AutoTokenizer

from pocketformer.checkpoint.quiet import quiet_transformers
from pocketformer.checkpoint.sources import local_directory
from pocketformer.errors import CheckpointError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

__all__ = ["load_tokenizer", "write_tokenizer"]


def load_tokenizer(source: str | Path) -> PreTrainedTokenizerFast:
    """Load the fast tokenizer of a checkpoint, as `AutoTokenizer` does.

    Raises:
        CheckpointError: Its files are missing or broken, or there is no fast tokenizer for them.
    """
    directory = local_directory(source)
    vocabulary = [name for name in ("tokenizer.json", "vocab.txt") if (directory / name).is_file()]
    if not vocabulary:
        # Without this, transformers would go on with a vocabulary of five special tokens.
        raise CheckpointError(
            f"{str(directory)!r} holds no tokenizer: neither tokenizer.json nor vocab.txt. "
            "Copy the tokenizer's files of the pretrained model into it."
        )
    if "tokenizer.json" in vocabulary:
        _check_parses(directory / "tokenizer.json")
    try:
        with quiet_transformers():
            tokenizer = AutoTokenizer.from_pretrained(directory, use_fast=True, local_files_only=True)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ImportError) as error:
        raise _broken(directory, error) from error
    if not tokenizer.is_fast:
        raise CheckpointError(
            f"The tokenizer in {str(directory)!r} is a {type(tokenizer).__name__}, which has no fast "
            "version; pocketformer works with BERT's WordPiece tokenizer."
        )
    return tokenizer


def write_tokenizer(tokenizer: PreTrainedTokenizerFast, directory: Path) -> None:
    """Write the tokenizer's files, vocab.txt among them where it is a WordPiece vocabulary."""
    # Every call to a tokenizer leaves its truncation and padding behind; they are no part of it.
    plain = copy.deepcopy(tokenizer)
    plain.backend_tokenizer.no_truncation()
    plain.backend_tokenizer.no_padding()
    plain.save_pretrained(directory)
    model = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    if model["type"] != "WordPiece":
        return
    pieces = sorted(model["vocab"], key=model["vocab"].__getitem__)
    if [model["vocab"][piece] for piece in pieces] == list(range(len(pieces))):
        (directory / "vocab.txt").write_text("".join(f"{piece}\n" for piece in pieces), "utf-8")


def _check_parses(path: Path) -> None:
    try:
        Tokenizer.from_file(str(path))
    except Exception as error:  # the tokenizers library raises no class of its own
        raise _broken(path, error) from error


def _broken(path: Path, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"The tokenizer in {str(path)!r} cannot be read ({type(error).__name__}: {error}). "
        "Fetch its files again from the pretrained model."
    )
