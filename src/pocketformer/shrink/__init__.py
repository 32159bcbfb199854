"""Smaller checkpoints out of larger ones: fewer layers, neurons and heads, a vocabulary trimmed to texts."""

from __future__ import annotations

from pocketformer.shrink.pruning import Pruning
from pocketformer.shrink.result import ShrinkResult
from pocketformer.shrink.scratch import from_scratch
from pocketformer.shrink.settings import ScratchSettings, ShrinkSettings
from pocketformer.shrink.shrinking import shrink
from pocketformer.shrink.vocabulary import Coverage

__all__ = [
    "Coverage",
    "Pruning",
    "ScratchSettings",
    "ShrinkResult",
    "ShrinkSettings",
    "from_scratch",
    "shrink",
]
