"""Commands that use a file: predict, inspect."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from pocketformer.cli.console import out, own_stderr, show_json, show_table
from pocketformer.cli.tables import show_card
from pocketformer.errors import InputError

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]

_BARS = 20


def predict(
    file: Annotated[Path, typer.Argument(help="A model file, such as dist/notices/notices.int8.tflite.")],
    texts: Annotated[
        list[str] | None, typer.Argument(help="Texts; one per line of standard input if none.")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Processor threads.")] = 1,
    json: Json = False,
) -> None:
    """Classify texts with a model file, from their bytes, with nothing but the file and its runtime."""
    import pocketformer

    given = texts or _lines()
    with own_stderr():
        model = pocketformer.open(file, threads)
        predictions = [(text, model(text)) for text in given]
    if json:
        show_json(
            [
                {
                    "text": text, "label": found.label, "score": found.score, "labels": found.labels,
                    "scores": found.scores, "truncated": found.truncated, "signatures": found.signatures,
                }
                for text, found in predictions
            ]
        )  # fmt: skip
        return
    for text, found in predictions:
        shown = text if len(text) <= 200 else text[:200] + "…"
        cut = " (longer than the model reads: its beginning was used)" if found.truncated else ""
        ranked = sorted(found.scores.items(), key=lambda pair: -pair[1])[:_BARS]
        rows = [[label, f"{score:.4f}", "█" * round(score * _BARS)] for label, score in ranked]
        out.print(f"{shown}{cut}", markup=False)
        out.print(f"→ {', '.join(found.labels) or 'no label'}", markup=False, style="bold")
        show_table("", ["label", "score", ""], rows)


def inspect(
    file: Annotated[Path, typer.Argument(help="Any model file, ours or not.")],
    json: Json = False,
) -> None:
    """Show what is in a model file: signatures, operations, weights, labels, oldest runtime."""
    from pocketformer.targets import target_of

    card = target_of(file).describe(file)
    if json:
        show_json(card)
        return
    show_card(card)


def _lines() -> list[str]:
    if sys.stdin.isatty():
        raise InputError(
            "No text was given. Put it behind the file in quotes, or one text per line on stdin."
        )
    lines = [line for line in sys.stdin.buffer.read().decode("utf-8", "surrogateescape").splitlines() if line]
    if not lines:
        raise InputError("Standard input held no text. Give one text per line, or put it behind the file.")
    return lines
