"""Finding the target that owns a file, among ours and those that other packages register."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import cast

from pocketformer.errors import FileFormatError, RecipeError
from pocketformer.targets.contract import Target

_GROUP = "pocketformer.targets"


@cache
def targets() -> dict[str, Target]:
    """Return every registered target by name."""
    return {entry.name: cast(Target, entry.load()) for entry in entry_points(group=_GROUP)}


def target_named(name: str) -> Target:
    """Return the target called `name`.

    Raises:
        RecipeError: There is none.
    """
    if name not in targets():
        raise RecipeError(f"There is no target {name!r}; installed are: {', '.join(sorted(targets()))}.")
    return targets()[name]


def target_of(path: str | Path) -> Target:
    """Return the target that owns a file, by its suffix.

    Raises:
        FileFormatError: No target does.
    """
    path = Path(path)
    names = path.name.removesuffix(".rejected")
    for target in targets().values():
        if names.endswith(target.suffixes):
            return target
    known = sorted(suffix for target in targets().values() for suffix in target.suffixes)
    raise FileFormatError(
        f"{path} is of no known model format; expected a name ending in {', '.join(known)}."
    )
