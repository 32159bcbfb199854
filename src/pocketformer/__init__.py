"""Labelled text in, one verified model file out: text bytes to labels on a phone's stock runtime.

>>> import pocketformer
>>> model = pocketformer.open("dist/notices/notices.int8.tflite")
>>> model("If the paint has dried, then it's safe to apply the second coat.").label
'condition'
"""

from pocketformer.errors import PocketformerError
from pocketformer.prediction import Prediction, TextModel, open  # noqa: A004  # the package's own verb

__all__ = ["PocketformerError", "Prediction", "TextModel", "__version__", "open"]

__version__ = "0.1.0"
