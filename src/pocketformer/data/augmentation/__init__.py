"""Augmentation: changed copies of training texts, seeded, in memory, none of them a text that is held out."""

from __future__ import annotations

from pocketformer.data.augmentation.augment import augment, augmented_texts
from pocketformer.data.augmentation.masking import FillWords
from pocketformer.data.augmentation.result import AugmentExample, AugmentReport
from pocketformer.data.augmentation.settings import AugmentSettings
from pocketformer.data.augmentation.words import Words

__all__ = [
    "AugmentExample",
    "AugmentReport",
    "AugmentSettings",
    "FillWords",
    "Words",
    "augment",
    "augmented_texts",
]
