"""Which LiteRT an Android app takes from Google's Maven, and whether it runs a file."""

from __future__ import annotations

from pocketformer.edition import EditionFile
from pocketformer.errors import ExportError

__all__ = ["HAS", "LITERT", "require_runnable"]

#: Release of com.google.ai.edge.litert:litert, the newest one that Google's own samples built with in August
#: 2026. It has `CompiledModel` with signatures and XNNPACK's weight cache. Its libraries are linked for 16 KB
#: pages (`litert/build_common` of its tag), all of them since 2.1.4; google-ai-edge/LiteRT issue 6299 tells
#: of older ones that were not.
LITERT = "2.1.6"

#: What that release has, in TensorFlow Lite's count: see docs/runtimes.md.
HAS = (2, 22)


def require_runnable(entry: EditionFile) -> None:
    """Refuse a file that the app's LiteRT would not open, or would compute wrongly.

    Raises:
        ExportError: It needs a newer runtime, or nobody knows which one.
    """
    _, _, release = entry.oldest_runtime.partition(" ")
    parts = release.split(".")
    if not all(part.isdecimal() for part in parts):
        raise ExportError(
            f"{entry.file} has operations of which no release of LiteRT is known ({entry.oldest_runtime}), "
            f"so no app can be promised to run it. `pocketformer inspect {entry.file}` names them."
        )
    if tuple(int(part) for part in parts[:2]) > HAS:
        newest = ".".join(str(part) for part in HAS)
        raise ExportError(
            f"{entry.file} needs {entry.oldest_runtime}; LiteRT {LITERT}, the newest release for Android "
            f"that is known here, has what came up to {newest}. Export it for that: --runtime {newest}"
        )
