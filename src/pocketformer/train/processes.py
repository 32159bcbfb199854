"""The processes of one training: `torchrun` and `accelerate launch` start several that work together."""

from __future__ import annotations

import os

from accelerate import PartialState

__all__ = ["process_count", "process_number", "wait_for_all"]


def process_count() -> int:
    """Return how many processes work on this training; 1 without a launcher."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def process_number() -> int:
    """Return which of them this one is, from 0; number 0 alone writes files and shows progress."""
    return int(os.environ.get("RANK", "0"))


def wait_for_all() -> None:
    """Go on when every process has come this far."""
    if process_count() > 1:
        PartialState().wait_for_everyone()
