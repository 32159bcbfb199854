"""What can be set for cutting a student out of a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["DEFAULT_SETTINGS", "ShrinkSettings"]


class ShrinkSettings(BaseModel):
    """Settings of `shrink`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    layers: int | tuple[int, ...] | None = Field(
        None, description="How many layers to keep, or which, counted from 0; all when left out."
    )
    choose: Literal["spaced", "first", "last", "search"] = Field(
        "spaced", description="Which layers, where their number is given; search asks the dev texts."
    )
    trim_vocabulary: bool = Field(True, description="Keep only the pieces of the vocabulary that texts use.")
    min_count: int = Field(1, ge=1, description="Occurrences from which on a piece of the texts is kept.")
    words: Path | None = Field(
        None, description="Frequency list, one word per line, the commonest first: their pieces stay too."
    )
    top_words: int | None = Field(None, ge=1, description="How many of these words; all when left out.")


DEFAULT_SETTINGS = ShrinkSettings()
