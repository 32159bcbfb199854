"""A search as a page: what it gained, its trials, and what each setting did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketformer.report import figures
from pocketformer.report.blocks import Block, Bullets, Column, Page, Paragraph, Plot, Section, Table
from pocketformer.report.search import search_verdict
from pocketformer.report.search_plots import search_plot, settings_plot

if TYPE_CHECKING:
    from pocketformer.search import SearchResult, TrialRecord

__all__ = ["search_page"]

_ROLES = {"defaults": "defaults", "start": "starting point"}


def search_page(result: SearchResult) -> Page:
    """Return a search as a page without markup."""
    taught = f", distilled from {result.teacher}" if result.teacher else ""
    sections = (
        Section("best", "The best settings", _best(result)),
        Section("trials", "Trials", _trials(result)),
        Section("searched", "What each setting did", _searched(result)),
    )
    return Page(f"Search: {result.study}", f"{result.base}{taught}", None, search_verdict(result), sections)


def _best(result: SearchResult) -> list[Block]:
    pairs = ((name, figures.plain(value)) for name, value in result.best.settings.items())
    return [
        Paragraph(
            f"Accuracy on the dev rows: {figures.percent(result.best.accuracy)} %. best.toml holds these "
            "settings as a recipe."
        ),
        Table.of_pairs("Settings of the best trial", "Setting", pairs),
        Bullets(result.notes),
    ]


def _trials(result: SearchResult) -> list[Block]:
    names = [setting.name for setting in result.searched]
    columns = (
        Column("Trial", numeric=False),
        Column("Macro-F1, %"),
        Column("Accuracy, %"),
        *(Column(name) for name in names),
        Column("After each epoch, %", numeric=False),
        Column("Seconds"),
    )
    rows = tuple(_row(trial, names, trial.number == result.best.number) for trial in result.trials)
    note = "Pruned trials show their best epoch. Macro-F1 and accuracy are of the dev rows."
    return [_course(result), Table("All trials", columns, rows, note)]


def _row(trial: TrialRecord, names: list[str], is_best: bool) -> tuple[str, ...]:
    marks = [_ROLES.get(trial.role or "", ""), "pruned" if trial.state == "pruned" else "", "best" * is_best]
    said = ", ".join(mark for mark in marks if mark)
    return (
        f"{trial.number} ({said})" if said else str(trial.number),
        figures.percent(trial.value),
        figures.percent(trial.accuracy),
        *(figures.plain(trial.params[name]) for name in names),
        " ".join(f"{value:.1%}".rstrip("%") for value in trial.values),
        f"{trial.seconds:.0f}",
    )


def _course(result: SearchResult) -> Plot:
    label = f"Macro-F1 of {len(result.trials)} trials. {search_verdict(result)}"
    caption = (
        "Macro-F1 on the dev rows by trial. Hollow ones were pruned; the line is the best so far, the dot of "
        "another colour the best of all."
    )
    return Plot(caption, label, search_plot(result))


def _searched(result: SearchResult) -> list[Block]:
    names = ", ".join(setting.name for setting in result.searched)
    caption = "Macro-F1 on the dev rows against each setting; the others vary as well, so look for slopes."
    ranges = ((setting.name, setting.values) for setting in result.searched)
    return [
        Plot(caption, f"Macro-F1 of each trial against {names}.", settings_plot(result)),
        Table.of_pairs("What was searched", "Setting", ranges),
    ]
