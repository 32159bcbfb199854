"""Where a study is kept: a journal file, or any database that Optuna takes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from pocketformer.errors import MissingExtraError, RecipeError

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

__all__ = ["JOURNAL", "open_storage", "without_password"]

#: Name of the journal in the directory of a search.
JOURNAL = "search.journal"


def open_storage(place: str | Path) -> BaseStorage:
    """Open a journal at a path, or a database at a URL; either is made when it is not there.

    A journal is only ever appended to, under a lock that is a file created with O_EXCL. That is atomic on
    local disks, SMB, and NFS from version 3 on, where SQLite's own locks are not to be trusted; a lock whose
    owner died is broken after 30 seconds.

    Raises:
        RecipeError: A URL that leads nowhere.
        MissingExtraError: The database's driver is not installed.
    """
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    if not is_url(place):
        path = Path(place).absolute()
        path.parent.mkdir(parents=True, exist_ok=True)
        return JournalStorage(JournalFileBackend(str(path), JournalFileOpenLock(str(path))))
    return _database(str(place))


def is_url(place: str | Path) -> bool:
    """Whether it is a URL, and no path."""
    return "://" in str(place)


def without_password(place: str | Path) -> str:
    """Return a path or URL as it may be shown."""
    return re.sub(r"(://[^/@:]*):[^/@]*@", r"\1:***@", str(place))


def _database(url: str) -> BaseStorage:
    from optuna.exceptions import OptunaError
    from optuna.storages import JournalStorage, RDBStorage
    from optuna.storages.journal import JournalRedisBackend
    from sqlalchemy.exc import SQLAlchemyError

    shown = without_password(url)
    try:
        if url.startswith(("redis://", "rediss://")):
            return JournalStorage(JournalRedisBackend(url))
        return RDBStorage(url)
    except ImportError as error:
        raise MissingExtraError("search", error.name or "its driver") from error
    except (OptunaError, SQLAlchemyError, ValueError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise RecipeError(
            f"The storage {shown!r} cannot be opened: {reason} Give a URL such as "
            "postgresql://user:password@host/database, or the path of a journal file."
        ) from error
