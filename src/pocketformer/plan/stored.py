"""The plan that lies beside a checkpoint whose weights are on its grid."""

from __future__ import annotations

from pathlib import Path

from pocketformer.plan.plan import Plan

__all__ = ["PLAN_FILE", "plan_of_checkpoint"]

#: Name of the file in a checkpoint's directory.
PLAN_FILE = "plan.toml"


def plan_of_checkpoint(directory: str | Path) -> Plan | None:
    """Return the plan that a checkpoint was trained for; None where its weights are on no grid.

    Args:
        directory: Of the checkpoint.

    Raises:
        RecipeError: Its plan file cannot be read.
    """
    path = Path(directory) / PLAN_FILE
    return Plan.load(path) if path.is_file() else None
