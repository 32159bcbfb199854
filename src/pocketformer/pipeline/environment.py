"""Which software and hardware made an edition."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

from pocketformer import __version__
from pocketformer.bench import processor_name

_PACKAGES = (
    "torch", "transformers", "tokenizers", "litert-torch", "ai-edge-quantizer", "ai-edge-litert",
    "coremltools", "onnx", "onnxscript", "onnxruntime", "numpy",
)  # fmt: skip


def environment() -> dict[str, str]:
    """Return names and versions, for the report."""
    found = {
        "pocketformer": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor_name(),
        "cores": str(os.cpu_count()),
    }
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
