"""Smaller checkpoints out of larger ones: fewer layers, a vocabulary trimmed to the texts at hand."""

from __future__ import annotations

from pocketformer.shrink.result import ShrinkResult
from pocketformer.shrink.scratch import from_scratch
from pocketformer.shrink.settings import ScratchSettings, ShrinkSettings
from pocketformer.shrink.shrinking import shrink
from pocketformer.shrink.vocabulary import Coverage

__all__ = ["Coverage", "ScratchSettings", "ShrinkResult", "ShrinkSettings", "from_scratch", "shrink"]
