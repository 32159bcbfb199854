"""BERT's whole tokenizer as integer tensor operations, exported with the encoder.

Importing this package loads neither torch nor tokenizers: `text_bytes` is all that using a file takes.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pocketformer.errors import MissingExtraError
from pocketformer.tokenizer.text_bytes import cut_bytes, cut_text, encode_text

if TYPE_CHECKING:
    from pocketformer.tokenizer.module import InGraphTokenizer, TokenTensors
    from pocketformer.tokenizer.options import TokenizerOptions, read_options
    from pocketformer.tokenizer.reading import read_tokenizer
    from pocketformer.tokenizer.reference import reference_ids
    from pocketformer.tokenizer.tables import TokenizerTables, build_tables

__all__ = [
    "InGraphTokenizer",
    "TokenTensors",
    "TokenizerOptions",
    "TokenizerTables",
    "build_tables",
    "cut_bytes",
    "cut_text",
    "encode_text",
    "read_options",
    "read_tokenizer",
    "reference_ids",
]

_HOME = {
    "InGraphTokenizer": "module",
    "TokenTensors": "module",
    "TokenizerOptions": "options",
    "TokenizerTables": "tables",
    "build_tables": "tables",
    "read_options": "options",
    "read_tokenizer": "reading",
    "reference_ids": "reference",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    except ModuleNotFoundError as error:
        raise MissingExtraError("train", error.name or name) from error
