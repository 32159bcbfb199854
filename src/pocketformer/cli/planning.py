"""The command plan: the best precision for each layer within a budget."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pocketformer.cli.console import Screen, next_step, out, own_stderr, show_json
from pocketformer.cli.options import Json, Label, LabelName, Separator, SetOption, Text, settings_of
from pocketformer.cli.tables import show_budget, show_edition

__all__ = ["plan"]


def plan(
    checkpoint: Annotated[str, typer.Argument(help="Directory or hub id of a classifier.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Directory for the plan and its file.")],
    dev: Annotated[Path, typer.Option(help="Table of labelled rows that say what each plan loses.")],
    test: Annotated[
        Path | None, typer.Option(help="Held-out table that the file is proven on; else sample texts.")
    ] = None,
    max_mb: Annotated[float | None, typer.Option(help="Megabytes of the file, tokenizer included.")] = None,
    max_drop: Annotated[float | None, typer.Option(help="Points of dev accuracy that may be lost.")] = None,
    max_ms: Annotated[float | None, typer.Option(help="Milliseconds per text, one thread.")] = None,
    target: Annotated[str, typer.Option(help="litert, onnx or coreml.")] = "litert",
    name: Annotated[str | None, typer.Option(help="The file is called NAME.best.tflite.")] = None,
    length: Annotated[
        list[int] | None, typer.Option(help="Tokens per signature; repeat for several.")
    ] = None,
    text: Text = None,
    label: Label = None,
    label_name: LabelName = None,
    separator: Separator = None,
    settings: SetOption = None,
    json: Json = False,
) -> None:
    """Find the best precision for each layer within a budget, without training.

    Measures what each precision costs each layer on the dev rows, searches the plans between the most exact
    and the smallest, writes the best one that keeps every limit as `best.toml` and its file, proves the file
    on the test rows, and draws the frontier in the report. Exit code 1 where no plan keeps the limits: the
    sentence says which one binds and how near it came.
    """
    with own_stderr():  # the converter's packages write to it while they are imported
        from pocketformer import pipeline
        from pocketformer.budget import BudgetSettings
        from pocketformer.checkpoint import load_classifier
        from pocketformer.data import Columns, read_labeled_texts
        from pocketformer.recipe import ExportRecipe

    budget = {"max_mb": max_mb, "max_drop": max_drop, "max_ms": max_ms, "target": target}
    asked = settings_of(BudgetSettings, budget, settings)
    recipe = settings_of(ExportRecipe, {"lengths": length or None})
    screen = Screen()
    labels = load_classifier(checkpoint).labels
    columns = Columns(text, label, label_name, separator)
    rows = [
        None if table is None else read_labeled_texts(table, columns, labels=labels)[0]
        for table in (dev, test)
    ]
    assert rows[0] is not None
    called = name or output.resolve().name
    edition = pipeline.plan_checkpoint(checkpoint, output, called, asked, rows[0], rows[1], recipe, screen)
    if json:
        show_json(edition)
        return
    assert edition.budget is not None
    show_budget(edition.budget)
    show_edition(edition)
    out.print(f"Wrote {output}: best.toml, {edition.files[0].file}, edition.json, report.html", markup=False)
    next_step(f'pocketformer predict {output / edition.files[0].file} "a text of yours"')
