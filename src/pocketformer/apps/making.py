"""An app from an edition: which platforms there are, and writing one."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol

from pocketformer import files
from pocketformer.apps.scaffold import Tree, refuse_taken, write
from pocketformer.apps.subject import AppOptions, Subject
from pocketformer.errors import RecipeError

__all__ = ["PLATFORMS", "AppResult", "Platform", "make_app"]

#: Names of the platforms; each is a module of this package that is a `Platform`.
PLATFORMS = ("web", "android", "ios")


class Platform(Protocol):
    """What a module of a platform offers."""

    def app_tree(self, subject: Subject, options: AppOptions) -> Tree:
        """Return the files of an app. The same edition and options give the same bytes."""

    def next_step(self, output: Path) -> str:
        """Return the command, or the step, by which a person runs the app."""


@dataclass(frozen=True, slots=True)
class AppResult:
    """What was written.

    Attributes:
        platform: One of `PLATFORMS`.
        path: Of the app.
        model: Name of the edition's file it carries.
        size_bytes: Of all files.
        files: How many these are.
        next: How to run it.
    """

    platform: str
    path: str
    model: str
    size_bytes: int
    files: int
    next: str


def make_app(
    directory: Path, platform: str, output: Path, options: AppOptions | None = None, *, force: bool = False
) -> AppResult:
    """Write the starter app of an edition.

    Args:
        directory: Of the edition.
        platform: One of `PLATFORMS`.
        output: Where the app goes; it must not be there yet.
        options: What else was asked.
        force: Replace an app that stands there.

    Raises:
        RecipeError: The platform is unknown, the place is taken, or the edition lacks the file.
        FileFormatError: The directory holds no edition.
        ExportError: The edition is an encoder's.
    """
    if platform not in PLATFORMS:
        raise RecipeError(f"There is no platform {platform!r}; there are {', '.join(PLATFORMS)}.")
    refuse_taken(output, force=force)
    module: Platform = import_module(f"pocketformer.apps.{platform}")
    subject = Subject.load(directory)
    tree = module.app_tree(subject, options or AppOptions())
    write(tree, output, force=force)
    carried = {name for entry in subject.edition.files for name in (entry.file, *entry.parts)}
    model = next((Path(path).name for path in sorted(tree) if Path(path).name in carried), "")
    return AppResult(
        platform,
        str(output),
        model,
        files.size_bytes(output),
        len(files.files_in(output)),
        module.next_step(output),
    )
