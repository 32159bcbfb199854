"""Model files: how to write, run and describe each format."""

from pocketformer.targets.contract import (
    Arrays,
    FileCard,
    OperationCard,
    Session,
    SignatureCard,
    Target,
    TensorCard,
)
from pocketformer.targets.registry import target_named, target_of, targets

__all__ = [
    "Arrays",
    "FileCard",
    "OperationCard",
    "Session",
    "SignatureCard",
    "Target",
    "TensorCard",
    "target_named",
    "target_of",
    "targets",
]
