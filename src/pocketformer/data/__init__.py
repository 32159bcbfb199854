"""Tables in, labelled texts out: reading, checking and splitting them."""

from __future__ import annotations

from pocketformer.data.columns import Columns
from pocketformer.data.examples import LabeledTexts, text_key
from pocketformer.data.intake import Intake
from pocketformer.data.reading import read_labeled_texts
from pocketformer.data.repeats import Conflict
from pocketformer.data.split import split, without_overlap

__all__ = [
    "Columns",
    "Conflict",
    "Intake",
    "LabeledTexts",
    "read_labeled_texts",
    "split",
    "text_key",
    "without_overlap",
]
