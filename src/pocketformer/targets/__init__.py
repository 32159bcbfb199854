"""Model files: how to write, run and describe each format."""

from pocketformer.targets.contract import (
    ANY,
    NO_OPTIONS,
    Arrays,
    ExportOptions,
    FileCard,
    ModelOperation,
    OperationCard,
    Refusal,
    RuntimeVerdict,
    Session,
    SignatureCard,
    Target,
    TensorCard,
)
from pocketformer.targets.registry import target_named, target_of, targets

__all__ = [
    "ANY",
    "NO_OPTIONS",
    "Arrays",
    "ExportOptions",
    "FileCard",
    "ModelOperation",
    "OperationCard",
    "Refusal",
    "RuntimeVerdict",
    "Session",
    "SignatureCard",
    "Target",
    "TensorCard",
    "target_named",
    "target_of",
    "targets",
]
