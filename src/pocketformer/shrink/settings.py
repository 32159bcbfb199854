"""What can be set for cutting a student out of a checkpoint, and for starting one from scratch."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["DEFAULT_SETTINGS", "ScratchSettings", "ShrinkSettings", "VocabularySettings"]


class VocabularySettings(BaseModel):
    """What of a vocabulary is kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    trim_vocabulary: bool = Field(True, description="Keep only the pieces of the vocabulary that texts use.")
    min_count: int = Field(1, ge=1, description="Occurrences from which on a piece of the texts is kept.")
    foreign_letters: bool = Field(
        True,
        description="Keep the letters of scripts that no text uses; without, they are unknown to the model.",
    )
    words: Path | None = Field(
        None, description="Frequency list, one word per line, the commonest first: their pieces stay too."
    )
    top_words: int | None = Field(None, ge=1, description="How many of these words; all when left out.")


class ShrinkSettings(VocabularySettings):
    """Settings of `shrink`."""

    layers: int | tuple[int, ...] | None = Field(
        None, description="How many layers to keep, or which, counted from 0; all when left out."
    )
    choose: Literal["spaced", "first", "last", "search"] = Field(
        "spaced", description="Which layers, where their number is given; search asks the dev texts."
    )
    neurons: int | None = Field(
        None,
        ge=1,
        description="Feed-forward neurons to keep in each layer, the most important; or all. Multiples of 32 "
        "suit every weight format.",
    )
    heads: int | None = Field(
        None, ge=1, description="Attention heads to keep in each layer, the most important; or all."
    )
    importance_texts: int = Field(
        1000, ge=1, description="Texts that are asked which neurons and heads are important."
    )

    @model_validator(mode="after")
    def _chooses_where_there_is_a_choice(self) -> ShrinkSettings:
        if self.choose != "spaced" and not isinstance(self.layers, int):
            raise ValueError(f"choose = {self.choose!r} needs a number of layers to choose, as layers = 3")
        return self

    @property
    def prunes(self) -> bool:
        """Whether neurons or heads are to be chosen."""
        return self.neurons is not None or self.heads is not None


class ScratchSettings(VocabularySettings):
    """Settings of `from_scratch`."""

    width: int = Field(256, ge=8, description="Numbers per token, the hidden size.")
    depth: int = Field(3, ge=1, description="Layers.")
    heads: int | None = Field(
        None,
        ge=1,
        description="Attention heads per layer; by width if left out, 32 numbers each (64 from 512).",
    )
    feed_forward: int | None = Field(
        None, ge=1, description="Width inside the feed-forward part; four times the width if left out."
    )
    max_positions: int = Field(128, ge=3, description="Tokens per text that it can ever take.")
    architecture: Literal["bert", "distilbert", "electra", "ernie", "megatron-bert", "squeezebert"] = Field(
        "bert", description="The model_type."
    )
    do_lower_case: bool = Field(
        True,
        description="Of a vocab.txt or a learned vocabulary: letters are lowercased and accents removed.",
    )
    learned_pieces: int | None = Field(
        None,
        ge=64,
        description="Learn a vocabulary of about so many pieces from the texts instead, in which words of "
        "scripts without spaces are pieces too; the given one is left out.",
    )
    word_vectors: bool = Field(
        False,
        description="Start the word embeddings from which pieces of the texts stand together, instead of "
        "random numbers.",
    )
    seed: int = Field(0, ge=0, description="Of the random weights.")


DEFAULT_SETTINGS = ShrinkSettings()
