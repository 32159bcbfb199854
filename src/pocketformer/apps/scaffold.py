"""A tree of files from templates, written whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from pocketformer import files
from pocketformer.errors import RecipeError

__all__ = ["MADE_BY", "Tree", "rendered", "write"]

#: Path within the app, with "/" → its content, or the file or directory that is copied there.
Tree = dict[str, bytes | Path]

#: Stands in the README of every app: only a folder that has it may be replaced.
MADE_BY = "Made by `pocketformer app`"

_TEMPLATE = ".j2"


def rendered(package: str, values: Mapping[str, object]) -> Tree:
    """Return the files of a package's `templates/`: those named `….j2` rendered, the others as they are.

    A folder or file name may hold `{{ name }}` too. Templates write a value into a language of their own
    through that language's filter, so that no label or text can break out of its string.

    Args:
        package: As "pocketformer.apps.web".
        values: What templates may use.
    """
    environment = Environment(  # each language has its own filter: autoescape knows HTML alone
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    tree: Tree = {}
    for name, template in _walk(resources.files(package) / "templates"):
        content = template.read_bytes()
        path = environment.from_string(name).render(values)
        if path.endswith(_TEMPLATE):
            content = environment.from_string(content.decode()).render(values).encode()
        tree[path.removesuffix(_TEMPLATE)] = content
    return tree


def write(tree: Tree, output: Path, *, force: bool = False) -> None:
    """Write a tree as a directory, in one step.

    Args:
        tree: What it holds; its README.md says who made it.
        output: The directory.
        force: Replace an app that stands there; anything else is never replaced.

    Raises:
        RecipeError: The place is taken.
    """
    _refuse_taken(output, force)
    with files.atomic_path(output) as temporary:
        for path, content in sorted(tree.items()):
            place = temporary / path
            place.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                place.write_bytes(content)
            elif content.is_dir():
                shutil.copytree(content, place)
            else:
                shutil.copyfile(content, place)


def _refuse_taken(output: Path, force: bool) -> None:
    if not output.exists() or (output.is_dir() and not any(output.iterdir())):
        return
    readme = output / "README.md"
    is_app = readme.is_file() and MADE_BY in readme.read_text(encoding="utf-8", errors="replace")
    if not is_app:
        raise RecipeError(f"{output} is there and is no app of pocketformer's; give another place with -o.")
    if not force:
        raise RecipeError(
            f"{output} holds an app already. Give another place with -o, or --force to replace it, "
            "with all that was changed in it."
        )


def _walk(folder: Traversable, prefix: str = "") -> list[tuple[str, Traversable]]:
    found = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        name = f"{prefix}{entry.name}"
        if entry.is_dir():
            if entry.name != "__pycache__":
                found += _walk(entry, f"{name}/")
        else:
            found.append((name, entry))
    return found
