"""A tree of files from templates, written whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from pocketformer import files
from pocketformer.errors import MissingExtraError, RecipeError

__all__ = ["MADE_BY", "Tree", "refuse_taken", "rendered", "write"]

#: Path within the app, with "/" → its content, or the file or directory that is copied there.
Tree = dict[str, bytes | Path]

#: Stands in the README of every app: only a folder that has it may be replaced.
MADE_BY = "Made by `pocketformer app`"

_TEMPLATE = ".j2"


def rendered(package: str, values: Mapping[str, object]) -> Tree:
    """Return the files of a package's `templates/`: those named `….j2` rendered, the others as they are.

    A folder or file name may hold `{{ name }}` too. Templates write a value into a language of their own
    through that language's filter, a function among the values: no label or text can break out of its string.

    Args:
        package: As "pocketformer.apps.web".
        values: What templates may use.

    Raises:
        MissingExtraError: jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, StrictUndefined
    except ModuleNotFoundError as error:
        raise MissingExtraError("report", error.name or "jinja2") from error
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
    refuse_taken(output, force=force)
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


def refuse_taken(output: Path, *, force: bool = False) -> None:
    """Refuse a place where something stands already, before any work is done for it.

    Raises:
        RecipeError: The place is taken, or it is the folder the person stands in.
    """
    if output.resolve() == Path.cwd():
        raise RecipeError(
            f"-o {output} is the folder you are in, which cannot be written in one step; name one in it."
        )
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
