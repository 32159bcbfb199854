"""Writing a `.mlpackage`: the same functions give the same bytes, whenever and wherever they are written."""

from __future__ import annotations

import hashlib
import json
import uuid
from pathlib import Path
from typing import Any

from pocketformer import files
from pocketformer.targets.coreml.constants import Constants
from pocketformer.targets.coreml.protobuf import model_messages

_AUTHOR = "com.apple.CoreML"
_MODEL = "model.mlmodel"
_WEIGHTS = "weights"


def write_package(folder: Path, model: Any, constants: Constants) -> None:
    """Write a package; `folder` does not exist yet.

    Args:
        folder: Of the name NAME.mlpackage.
        model: A `Model` message whose constants are numbers in `constants`; offsets take their place.
        constants: The arrays.
    """
    inner = folder / "Data" / _AUTHOR
    inner.mkdir(parents=True)
    functions = list(model.mlProgram.functions.items())
    constants.write([function for _, function in sorted(functions)], inner / _WEIGHTS / "weight.bin")
    # Most programs have maps, whose order protobuf leaves open.
    (inner / _MODEL).write_bytes(model.SerializeToString(deterministic=True))
    (folder / "Manifest.json").write_text(_manifest(inner), "utf-8")


def new_model(release_specification: int) -> Any:
    """Return an empty `Model` message of an ML Program."""
    model = model_messages().Model(specificationVersion=release_specification)
    model.mlProgram.version = 1
    return model


def _manifest(inner: Path) -> str:
    """Return the list of what is inside; its random identifiers come from the content instead."""
    entries = {_identifier(inner / _MODEL): _entry("CoreML Model Specification", _MODEL)}
    root = next(iter(entries))
    if (inner / _WEIGHTS).is_dir():
        entries[_identifier(inner / _WEIGHTS)] = _entry("CoreML Model Weights", _WEIGHTS)
    content = {"fileFormatVersion": "1.0.0", "itemInfoEntries": entries, "rootModelIdentifier": root}
    return json.dumps(content, indent=4, sort_keys=True) + "\n"


def _entry(description: str, name: str) -> dict[str, str]:
    return {"author": _AUTHOR, "description": description, "name": name, "path": f"{_AUTHOR}/{name}"}


def _identifier(path: Path) -> str:
    digest = hashlib.sha256(f"{path.name}\0{files.sha256(path)}".encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=4)).upper()
