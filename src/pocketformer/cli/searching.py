"""The command that searches: search."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pocketformer.cli.console import Screen, next_step, out, own_stderr, show_json, show_table
from pocketformer.cli.options import Json, settings_of

if TYPE_CHECKING:
    from pocketformer.search import SearchResult

_MOST_SHOWN = 20


def search(
    recipe: Annotated[Path, typer.Argument(help="A recipe, such as examples/notices/recipe.toml.")],
    trials: Annotated[int | None, typer.Option(help="Trials of the whole study.")] = None,
    minutes: Annotated[
        float | None, typer.Option(help="Begin no further trial after this time; the last one ends later.")
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option(help="Where several workers meet: an Optuna URL, or the path of a journal file."),
    ] = None,
    json: Json = False,
) -> None:
    """Search for the settings that do best on the dev rows, and write them as a recipe to run.

    What [finetune] sets stays as it is; the rest is searched, from the defaults on. Each trial is a
    training; one that falls below the median of the others is ended early. Run it again after an
    interruption and it goes on. Start it several times, on one machine or many, with one --storage, and
    they share the trials. A recipe may say more:

        [search]
        trials = 30

        [search.space]
        learning_rate = [1e-5, 1e-3]
        batch_size = [16, 32]
    """
    with own_stderr():
        from pocketformer.pipeline.searching import BEST_RECIPE, search_directory, search_recipe
        from pocketformer.recipe import Recipe
        from pocketformer.search import SearchSettings

    loaded = Recipe.load(recipe)
    given = {"trials": trials, "seconds": None if minutes is None else minutes * 60, "storage": storage}
    own = loaded.search.model_dump(exclude_unset=True, exclude_none=True)
    settings = settings_of(
        SearchSettings, {**own, **{name: value for name, value in given.items() if value is not None}}
    )
    result = search_recipe(loaded, settings, Screen())
    if json:
        show_json(result)
        return
    _show(result)
    directory = search_directory(loaded)
    out.print(f"Wrote {directory}: {BEST_RECIPE}, search.html, search.json", markup=False)
    next_step(f"pocketformer run {directory / BEST_RECIPE}")


def _show(result: SearchResult) -> None:
    from pocketformer.report import figures
    from pocketformer.report.search import search_verdict

    shown = sorted(result.trials, key=lambda trial: (-trial.value, trial.number))[:_MOST_SHOWN]
    names = [setting.name for setting in result.searched]
    rows = [
        [
            str(trial.number),
            figures.percent(trial.value),
            *(figures.plain(trial.params[name]) for name in names),
            str(len(trial.values)),
            f"{trial.seconds:.0f}",
            {"start": "starting point"}.get(trial.role or "", trial.role or "")
            or ("pruned" if trial.state == "pruned" else ""),
        ]
        for trial in shown
    ]
    title = f"Trials by macro-F1 on the dev rows, the best {len(shown)} of {len(result.trials)}"
    show_table(title, ["trial", "macro-F1, %", *names, "epochs run", "s", ""], rows)
    out.print(search_verdict(result), markup=False)
    for note in result.notes[1:]:
        out.print(note, style="dim", markup=False)
