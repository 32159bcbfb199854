"""The search of a recipe: its result, a page about it, and the best settings as a recipe to run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from pocketformer import files
from pocketformer.checkpoint import PYPI_MINILM
from pocketformer.errors import RecipeError
from pocketformer.pipeline.observer import Observer, Silent
from pocketformer.pipeline.rows import read_rows
from pocketformer.recipe import Recipe
from pocketformer.report.search import write_search_page
from pocketformer.search import SearchResult, SearchSettings, search

__all__ = ["BEST_RECIPE", "search_directory", "search_recipe"]

#: Name of the recipe that a search writes.
BEST_RECIPE = "best.toml"
_CHECKPOINTS = ("base", "teacher")


def search_directory(recipe: Recipe) -> Path:
    """Return where a recipe's search writes: beside its output."""
    return recipe.output.with_name(f"{recipe.output.name}-search")


def search_recipe(
    recipe: Recipe, settings: SearchSettings | None = None, observer: Observer | None = None
) -> SearchResult:
    """Search for a recipe's best settings; `search.json`, `search.html` and `best.toml` say what was found.

    Test rows are held out as in `run`, and take no part.

    Args:
        recipe: Read by `Recipe.load`.
        settings: Of the search, in place of the recipe's own.
        observer: Told what happens; None for nobody.

    Raises:
        PocketformerError: A sentence for the person; trials that were finished before it are kept.
    """
    observer = observer or Silent()
    if recipe.student is not None or recipe.augment is not None:
        raise RecipeError(
            "`search` fine-tunes `base` as it is. Take [student] and [augment] out of the recipe it reads; "
            "over distillations `pocketformer.search.search` searches from Python, with a teacher."
        )
    directory = search_directory(recipe)
    rows = read_rows(recipe.data, observer)
    result = search(
        recipe.base, rows.train, rows.dev, directory, settings or recipe.search, recipe.finetune,
        audience=observer,
    )  # fmt: skip
    files.write_text(directory / BEST_RECIPE, _best_recipe(recipe, result, directory))
    write_search_page(result, directory)
    return result


def _best_recipe(recipe: Recipe, result: SearchResult, folder: Path) -> str:
    """Return a recipe with the best trial's settings, to be written into `folder`."""
    best, first = result.best, result.first
    against = "" if first is None or first == best else f"; the first trial had {first.value:.2%}"
    fields = recipe.model_dump(exclude_unset=True, exclude={"search"})
    fields["finetune"] = best.settings
    head = (
        f"# The best of {len(result.trials)} trials: macro-F1 {best.value:.2%} on the dev rows{against}.\n"
        f"# pocketformer run {folder / BEST_RECIPE}\n\n"
    )
    return head + tomli_w.dumps(_told(fields, folder))


def _told(fields: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return fields as TOML holds them: nothing left empty, and paths as they are seen from `folder`."""
    told: dict[str, Any] = {}
    for name, value in fields.items():
        if value is None:
            continue
        if isinstance(value, Mapping):
            told[name] = _told(value, folder)
        elif isinstance(value, Path):
            told[name] = _seen_from(folder, value)
        elif name in _CHECKPOINTS and value != PYPI_MINILM and Path(value).is_dir():
            seen = _seen_from(folder, Path(value))
            told[name] = seen if seen.startswith((".", "/")) else f"./{seen}"
        else:
            told[name] = value
    return told


def _seen_from(folder: Path, path: Path) -> str:
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # on another drive
        return str(path.absolute())
