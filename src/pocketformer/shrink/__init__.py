"""Smaller checkpoints out of larger ones: fewer layers, a vocabulary trimmed to the texts at hand."""

from __future__ import annotations

from pocketformer.shrink.settings import ShrinkSettings
from pocketformer.shrink.shrinking import ShrinkResult, shrink
from pocketformer.shrink.vocabulary import Coverage

__all__ = ["Coverage", "ShrinkResult", "ShrinkSettings", "shrink"]
