"""The command `pocketformer`: parses, calls the library, prints."""

from __future__ import annotations

import sys

import typer

from pocketformer.cli import making, proving, training, using
from pocketformer.cli.console import err
from pocketformer.errors import PocketformerError

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
    making.run, training.finetune, training.distill, proving.check, making.export, proving.verify,
    proving.bench, proving.report, using.predict, using.inspect,
):  # fmt: skip
    app.command()(_command)


def main() -> None:
    """Run the command line; an error for the person is one sentence on standard error.

    Exit codes: 0 done, 1 a file missed its tolerance, 2 the input cannot be used, 130 interrupted.
    """
    try:
        app()
    except PocketformerError as error:
        _complain(str(error))
        sys.exit(error.exit_code)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        _complain(f"{place}{error.strerror or error}.")
        sys.exit(2)
    except KeyboardInterrupt:
        _complain("Interrupted. Run the same command again to go on.")
        sys.exit(130)


def _complain(sentence: str) -> None:
    err.print("[bold red]error:[/] ", end="")
    err.print(sentence, markup=False)
