"""Optuna, if it is installed, without its log lines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pocketformer.errors import MissingExtraError
from pocketformer.quiet import without_chatter

__all__ = ["quiet_optuna"]


@contextmanager
def quiet_optuna() -> Iterator[None]:
    """Let Optuna say nothing inside the block: no log, and no warning of what is experimental in it.

    Raises:
        MissingExtraError: Optuna is not installed.
    """
    try:
        import optuna
    except ModuleNotFoundError as error:
        raise MissingExtraError("search", error.name or "optuna") from error
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with without_chatter():
            yield
    finally:
        optuna.logging.set_verbosity(verbosity)
