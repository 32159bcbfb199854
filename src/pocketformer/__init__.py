"""Labelled text in, one verified model file out: text bytes to labels on a phone's stock runtime.

>>> import pocketformer
>>> model = pocketformer.open("dist/notices/notices.int8.tflite")
>>> model("If the paint has dried, then it's safe to apply the second coat.").label
'condition'

Any PyTorch module becomes a file as well:

>>> exported = pocketformer.export(network, {"image": image}, "network.int8.tflite")
>>> pocketformer.open(exported.path)(image=image.numpy())["output"]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pocketformer.errors import PocketformerError
from pocketformer.prediction import Prediction, TextModel, open  # noqa: A004  # the package's own verb

if TYPE_CHECKING:
    from pocketformer.modules import export

__all__ = ["PocketformerError", "Prediction", "TextModel", "__version__", "export", "open"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import `export` when it is first asked for: it needs PyTorch, and opening a file does not."""
    if name != "export":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pocketformer.modules import export

    return export


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
