"""The command advise: a recipe for a phone, a budget and the data at hand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pocketformer.cli.console import next_step, out, own_stderr, show_json, show_table
from pocketformer.cli.options import Json, Label, LabelName, Separator, Text, settings_of

__all__ = ["advise"]

_BASE = "sentence-transformers/all-MiniLM-L6-v2"


def advise(
    train: Annotated[Path, typer.Argument(help="Table of labelled texts.")],
    platform: Annotated[str, typer.Option(help="android, ios, web or server.")] = "android",
    release: Annotated[
        str | None, typer.Option(help="Oldest release it must open on: LiteRT or TFLite (2.14), or iOS (16).")
    ] = None,
    max_mb: Annotated[float | None, typer.Option(help="Megabytes of the file, tokenizer included.")] = None,
    max_drop: Annotated[float | None, typer.Option(help="Points of accuracy that may be lost.")] = None,
    test: Annotated[Path | None, typer.Option(help="Held-out table, for the recipe.")] = None,
    unlabelled: Annotated[Path | None, typer.Option(help="Texts without labels: .txt or a table.")] = None,
    may_train: Annotated[
        bool, typer.Option("--train/--no-train", help="Whether there is time to train.")
    ] = True,
    base: Annotated[str, typer.Option(help="Checkpoint to start from.")] = _BASE,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the recipe there.")] = None,
    text: Text = None,
    label: Label = None,
    label_name: LabelName = None,
    separator: Separator = None,
    json: Json = False,
) -> None:
    """Recommend a recipe: which format, bits, size and training suit the phone, the budget and the data.

    Reads the table, answers five questions with the reasons, and writes a recipe that `pocketformer run`
    takes. docs/choosing.md holds the whole decision table.
    """
    with own_stderr():
        from pocketformer import files
        from pocketformer.advice import Situation
        from pocketformer.advice import advise as advice_for
        from pocketformer.advice.document import recipe_of
        from pocketformer.data import Columns, read_labeled_texts
        from pocketformer.data.unlabelled import read_texts

    columns = Columns(text, label, label_name, separator)
    rows, _ = read_labeled_texts(train, columns)
    found = 0 if unlabelled is None else len(read_texts(unlabelled, Columns(text)))
    given = {"platform": platform, "release": release, "max_mb": max_mb, "max_drop": max_drop}
    counts = {"rows": len(rows), "labels": len(rows.labels), "unlabelled": found, "may_train": may_train}
    advice = advice_for(settings_of(Situation, {**given, **counts}))
    if output is not None:
        name = output.stem if output.stem.replace("-", "").replace("_", "").isalnum() else "mine"
        places = [
            None if path is None else _seen_from(path, output.parent) for path in (train, test, unlabelled)
        ]
        assert places[0] is not None
        files.write_text(output, recipe_of(advice, name, base, places[0], places[1], places[2]))
    if json:
        show_json(advice)
        return
    show_table(
        f"{len(rows):,} rows, {len(rows.labels)} labels",
        ["question", "here", "take", "because"],
        [[reason.question, reason.situation, reason.advice, reason.because] for reason in advice.reasons],
    )
    if output is None:
        next_step(f"pocketformer advise {train} -o recipe.toml")
    else:
        out.print(f"Wrote {output}", markup=False)
        next_step(f"pocketformer run {output}")


def _seen_from(path: Path, folder: Path) -> str:
    """Return a path as a recipe in `folder` has it."""
    resolved, start = path.resolve(), folder.resolve()
    return str(resolved.relative_to(start)) if resolved.is_relative_to(start) else str(resolved)
