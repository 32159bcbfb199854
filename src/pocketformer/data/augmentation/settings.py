"""What can be set for augmentation: a recipe's `[augment]`; without that section nothing is augmented."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["AugmentSettings", "MethodName"]

MethodName = Literal["deletion", "swap", "synonyms", "masked"]


class AugmentSettings(BaseModel):
    """Settings of `augment`. A word is a character where the text is Chinese or Japanese."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    methods: tuple[MethodName, ...] = Field(
        ("deletion", "swap"),
        min_length=1,
        description="Each copy is made by one of these, drawn at random: deletion, swap, synonyms, masked.",
    )
    copies: int = Field(1, ge=1, le=100, description="Changed copies of each training text.")
    deletion_share: float = Field(0.1, gt=0, lt=1, description="Share of words that deletion leaves out.")
    swaps: int = Field(1, ge=1, le=100, description="Pairs of words that swap exchanges.")
    synonym_share: float = Field(
        0.2, gt=0, le=1, description="Share of replaced words, of those that have synonyms."
    )
    synonyms: Path | None = Field(
        None,
        description="File of synonyms: words that mean the same on one line, separated by tabs or commas. "
        "WordNet when left out.",
    )
    masked_share: float = Field(0.15, gt=0, lt=1, description="Share of words a masked model fills anew.")
    masked_model: str | None = Field(
        None, description="Hub id or directory of a masked language model; the base when left out."
    )
    top_k: int = Field(10, ge=1, le=1000, description="A masked model's word is one of its so many best.")
    seed: int = Field(0, ge=0, lt=2**32, description="Of all that is drawn.")
