"""The screen: progress on standard error, results on standard output."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pydantic_core import to_jsonable_python
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from pocketformer.processes import is_first

if TYPE_CHECKING:
    from pocketformer.pipeline.observer import Progress as ProgressCallback

# Of several processes that train together, the first one talks.
out = Console(soft_wrap=True, highlight=False, quiet=not is_first())
if not out.is_terminal:
    out.width = 160  # a file or a pipe has no width of its own; tables should not be squeezed into 80
err = Console(stderr=True, soft_wrap=True, highlight=False, quiet=not is_first())

_STDERR = 2  # file descriptor


@contextmanager
def own_stderr() -> Iterator[Console]:
    """Keep standard error to ourselves: converters and runtimes write their logs there from C++.

    What goes wrong in them arrives as an exception, so nothing is lost.

    Yields:
        A console that still reaches the screen.
    """
    sys.stderr.flush()
    screen = os.dup(_STDERR)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, _STDERR)
    try:
        with os.fdopen(os.dup(screen), "w") as stream:
            yield Console(file=stream, soft_wrap=True, highlight=False, quiet=err.quiet)
    finally:
        sys.stderr.flush()
        os.dup2(screen, _STDERR)
        os.close(nowhere)
        os.close(screen)


class Screen:
    """An observer that shows stages as progress bars and sentences as lines, on standard error."""

    @contextmanager
    def stage(self, title: str) -> Iterator[ProgressCallback]:
        """Show a bar while a stage lasts, and a line with its time when it is done."""
        start = time.monotonic()
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[message]}"),
        )
        with (
            own_stderr() as console,
            Progress(
                *columns, console=console, transient=True, disable=console.quiet or not console.is_terminal
            ) as progress,
        ):
            task = progress.add_task(title, total=None, message="")

            def advance(fraction: float, message: str) -> None:
                progress.update(task, total=1.0, completed=fraction, message=message)

            yield advance
        err.print(f"[green]✓[/] {title} [dim]{time.monotonic() - start:.1f} s[/]")

    def kept(self, title: str) -> None:
        """Show that an earlier run has done it."""
        err.print(f"[green]✓[/] {title} [dim]kept from an earlier run[/]")

    def say(self, sentence: str) -> None:
        """Show a sentence."""
        err.print(sentence, style="dim", markup=False)


def show_json(value: Any) -> None:
    """Print any result of the library as JSON on standard output."""
    text = json.dumps(to_jsonable_python(value, serialize_unknown=True), ensure_ascii=False, indent=2)
    if not out.quiet:
        out.file.write(text + "\n")


def show_table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """Print a table; a column whose cells all begin with a digit or sign is set to the right."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for index, column in enumerate(columns):
        cells = [row[index] for row in rows if row[index]]
        numeric = bool(cells) and all(cell.lstrip("-+").strip()[:1].isdigit() for cell in cells)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    out.print(table)


def next_step(command: str) -> None:
    """Tell the next sensible command."""
    err.print(f"[dim]Next:[/] {command}")
