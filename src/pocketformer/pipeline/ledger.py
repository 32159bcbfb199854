"""The ledger: which stages of a run are finished, under which inputs, and what they found."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from pocketformer import __version__, files

Result = TypeVar("Result")


def key_of(*inputs: Any) -> str:
    """Return a digest of everything a stage depends on; the version of pocketformer is among it."""
    content = json.dumps([__version__, *inputs], sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()


class Ledger:
    """One JSON file per finished stage, `{"key": …, "result": …}`, in a hidden folder of an edition."""

    def __init__(self, edition: Path) -> None:
        self._directory = edition / ".pocketformer"

    def get(self, stage: str, key: str, kind: type[Result]) -> Result | None:
        """Return the result of a finished stage; None if it never ran, or ran with other inputs."""
        path = self._path(stage)
        if not path.is_file():
            return None
        try:
            entry = json.loads(path.read_bytes())
            if entry["key"] != key:
                return None
            return TypeAdapter(kind).validate_python(entry["result"])
        except (ValueError, KeyError, TypeError, ValidationError):
            return None  # written by something else: the stage runs again

    def put(self, stage: str, key: str, result: object) -> None:
        """Record a finished stage."""
        content = TypeAdapter(type(result)).dump_python(result, mode="json")
        files.write_text(self._path(stage), json.dumps({"key": key, "result": content}, ensure_ascii=False))

    def _path(self, stage: str) -> Path:
        return self._directory / f"{stage.replace(' ', '-')}.json"
