"""The command `pocketformer`: parses, calls the library, prints."""

from __future__ import annotations

import sys
import time

import typer

from pocketformer.cli import (
    advising,
    apps,
    given,
    making,
    planning,
    proving,
    searching,
    shrinking,
    training,
    using,
)
from pocketformer.cli.console import err
from pocketformer.errors import LostProcessError, PocketformerError, RecipeError
from pocketformer.processes import is_first, process_count

_SHARED = ("finetune", "distill")
_GRACE_SECONDS = 10

app = typer.Typer(
    name="pocketformer",
    help=(
        "Labelled text in, one verified model file out: it takes text bytes and gives labels "
        "on a phone's stock runtime."
    ),
    epilog="Start with: pocketformer run RECIPE.toml",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
for _command in (
    advising.advise, making.run, training.finetune, searching.search, shrinking.shrink, training.distill,
    proving.check, making.export, planning.plan, given.convert, given.quantize, proving.verify, proving.bench,
    proving.report, apps.app, apps.serve, using.predict, using.inspect,
):  # fmt: skip
    app.command()(_command)


def main() -> None:
    """Run the command line; an error for the person is one sentence on standard error.

    Exit codes: 0 done, 1 a file missed its tolerance, 2 the input cannot be used, 130 interrupted.
    """
    try:
        _refuse_launcher()
        app()
    except LostProcessError as error:
        _complain(str(error), is_known=True)
        sys.exit(error.exit_code)
    except PocketformerError as error:
        _complain(str(error))
        sys.exit(error.exit_code)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        _complain(f"{place}{error.strerror or error}.")
        sys.exit(2)
    except KeyboardInterrupt:
        err.print("[bold red]error:[/] Interrupted. Run the same command again to go on.")
        sys.exit(130)


def _refuse_launcher() -> None:
    """Let only commands that share their work run as several processes."""
    command = next(iter(sys.argv[1:]), "--help")
    if process_count() > 1 and command not in _SHARED and not command.startswith("-"):
        raise RecipeError(
            f"{process_count()} processes were started, but `pocketformer {command}` runs as one; only "
            f"{' and '.join(_SHARED)} share their work. Leave torchrun or accelerate launch out."
        )


def _complain(sentence: str, *, is_known: bool = False) -> None:
    """Print an error once, whichever of several processes met it.

    An input that cannot be used is met by all, and the launcher ends the others as soon as the first one
    has said so.

    Args:
        sentence: The error.
        is_known: Whether another process should have said what went wrong.
    """
    if is_known or not is_first():
        time.sleep(_GRACE_SECONDS)
        err.quiet = False
    err.print("[bold red]error:[/] ", end="")
    err.print(sentence, markup=False)
