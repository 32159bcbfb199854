"""BERT's tokenizer as a torch module: text bytes in, ids out."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from pocketformer.tokenizer.stages.arrays import Gather, select
from pocketformer.tokenizer.stages.characters import (
    character_classes,
    symbols_of_classes,
    without_consumed,
)
from pocketformer.tokenizer.stages.ids import bits_of_order, framed_ids, piece_positions
from pocketformer.tokenizer.stages.literals import mark_literals
from pocketformer.tokenizer.stages.pieces import find_pieces, longest_matches
from pocketformer.tokenizer.stages.words import find_words
from pocketformer.tokenizer.tables import TokenizerTables

__all__ = ["InGraphTokenizer", "TokenTensors"]

_HIGHEST_BYTE = 255


class TokenTensors(NamedTuple):
    """What a BERT encoder takes, all int32.

    Attributes:
        input_ids: `[1, max_length]`.
        attention_mask: `[1, max_length]`, 1 for real ids.
        token_type_ids: `[1, max_length]`, all 0.
        length: `[1]`, the count of real ids with `[CLS]` and `[SEP]`, after truncation.
    """

    input_ids: Tensor
    attention_mask: Tensor
    token_type_ids: Tensor
    length: Tensor


def index_select(table: Tensor, index: Tensor) -> Tensor:
    """The gather that every exporter knows."""
    return torch.index_select(table, 0, index)


class InGraphTokenizer(nn.Module):
    """A BERT tokenizer for one text at a time.

    The ids equal those of the tokenizers library for the text `bytes.decode("utf-8", "replace")`, with
    truncation and padding to `max_length`. Zero bytes are padding and leave nothing wherever they stand: only
    a tokenizer with `clean_text` off would see them. Any int32 input is safe; values outside 0..255 count as
    the nearest of them.

    Args:
        tables: The tokenizer's tables; share one among all sizes, and a file stores them once.
        max_bytes: Size of the text input, in bytes.
        max_length: Ids that come out.
        gather: Reads `table [rows]` at `index [size]`. A target may set the attribute of this name to an
            operation of its own.
    """

    positions: Tensor
    order_bits: Tensor
    token_types: Tensor

    def __init__(
        self, tables: TokenizerTables, max_bytes: int, max_length: int, gather: Gather = index_select
    ) -> None:
        super().__init__()
        if max_bytes < 1 or max_length < 3:
            raise ValueError(
                f"max_bytes is {max_bytes} and max_length {max_length}; they must be at least 1 and 3."
            )
        self.tables = tables
        self.max_bytes = max_bytes
        self.max_length = max_length
        self.gather = gather
        self.register_buffer("positions", torch.arange(max_bytes + 1, dtype=torch.int32), persistent=False)
        self.register_buffer("order_bits", bits_of_order(max_length - 2), persistent=False)
        self.register_buffer("token_types", torch.zeros(1, max_length, dtype=torch.int32), persistent=False)

    def forward(self, text: Tensor) -> TokenTensors:
        """Tokenize.

        Args:
            text: UTF-8 bytes, zero padded, int32 `[1, max_bytes]`.
        """
        facts, options = self.tables.facts, self.tables.options
        look_up, gather, positions = self._look_up, self.gather, self.positions
        symbols = self._symbols(text.reshape(self.max_bytes))
        words = find_words(symbols, positions, facts.last_isolated, facts.letter_count, gather)
        nodes = longest_matches(words.codes, positions, facts.block, facts.repeats, look_up, gather)
        pieces = find_pieces(
            words, nodes, positions, options.max_chars_per_word, facts.closed, look_up, gather
        )
        at = piece_positions(pieces.ends, self.order_bits, gather)
        ids, mask = framed_ids(pieces, at, words.length, options, look_up, gather)
        return TokenTensors(
            ids.reshape(1, self.max_length),
            mask.reshape(1, self.max_length),
            self.token_types + 0,  # an output must not be a stored constant itself
            torch.sum(mask, dim=0, keepdim=True, dtype=torch.int32),
        )

    def _symbols(self, text: Tensor) -> Tensor:
        """The symbols of a text, int32 `[max_bytes]`, each in the slot of a byte of its character."""
        data = text.to(torch.int32)
        data = select(data < 0, 0, select(data > _HIGHEST_BYTE, _HIGHEST_BYTE, data))
        classes = character_classes(data, self._look_up)
        if not self.tables.options.clean_text:
            classes = without_consumed(data, classes)
        facts = self.tables.facts
        symbols = symbols_of_classes(classes, facts.symbols_per_character, facts.first_single, self._look_up)
        return mark_literals(self.tables.literals, data, symbols, self._look_up)

    def _look_up(self, table: str, index: Tensor) -> Tensor:
        return self.gather(self.tables.get_buffer(table), index).to(torch.int32)
