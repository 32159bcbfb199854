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
    WeightCard,
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
    "WeightCard",
    "target_named",
    "target_of",
    "targets",
]
