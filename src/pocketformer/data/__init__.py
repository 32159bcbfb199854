"""Tables in, labelled texts out: reading, checking and splitting them."""

from __future__ import annotations

from pocketformer.data.columns import Columns
from pocketformer.data.examples import LabeledTexts, text_key
from pocketformer.data.intake import Intake
from pocketformer.data.reading import read_labeled_texts
from pocketformer.data.repeats import Conflict
from pocketformer.data.split import split, without_overlap
from pocketformer.data.unlabelled import new_texts, read_texts

__all__ = [
    "Columns",
    "Conflict",
    "Intake",
    "LabeledTexts",
    "new_texts",
    "read_labeled_texts",
    "read_texts",
    "split",
    "text_key",
    "without_overlap",
]
