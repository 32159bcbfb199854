"""Packages that belong together: the one that was asked for lists the others, which lie beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pocketformer.errors import FileFormatError, MissingExtraError
from pocketformer.targets.coreml.features import METADATA_KEY
from pocketformer.targets.coreml.package import Package, read_package

#: In a package's metadata: the signature that its only function is.
SIGNATURE_KEY = "signature"
#: In the main package's metadata: signature → file name and identity of the package that holds it.
PARTS_KEY = "parts"

_SUFFIX = ".mlpackage"
_REJECTED = ".rejected"


def part_name(path: Path, signature: str) -> str:
    """Return the name of one signature's package beside the main one: NAME.int8.classify_16.mlpackage."""
    return f"{path.name.removesuffix(_REJECTED).removesuffix(_SUFFIX)}.{signature}{_SUFFIX}"


def identity(path: Path) -> str:
    """Return the identifier of a package's model, which its content makes.

    Raises:
        FileFormatError: It has none.
    """
    try:
        content = json.loads((path / "Manifest.json").read_text("utf-8"))
        return str(content["rootModelIdentifier"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FileFormatError(f"{path} is no complete Core ML package; export it again.") from error


def own_metadata(package: Package) -> dict[str, Any]:
    """Return what pocketformer stored in a package; empty for anybody else's.

    Raises:
        FileFormatError: It is not JSON.
    """
    text = package.specification.description.metadata.userDefined.get(METADATA_KEY)
    if text is None:
        return {}
    try:
        metadata = json.loads(text)
    except ValueError as error:
        raise FileFormatError(f"The pocketformer metadata in {package.path} is not JSON: {error}.") from error
    return metadata if isinstance(metadata, dict) else {}


def parts_of(path: Path) -> set[str]:
    """Return the names of the packages that one of ours lists; none where it is missing or broken."""
    try:
        return {str(part["file"]) for part in _listed(own_metadata(read_package(path))).values()}
    except (FileFormatError, MissingExtraError):
        return set()


def read_parts(package: Package) -> tuple[dict[str, Package], tuple[str, ...]]:
    """Read the packages that belong to one.

    Returns:
        Signature → package, for those that lie beside it and are of the same export; and the names of
        all that belong to it and are missing.

    Raises:
        FileFormatError: One of them is damaged, or of another export.
    """
    found, missing = {}, []
    for signature, part in _listed(own_metadata(package)).items():
        beside = package.path.with_name(str(part["file"]))
        if not beside.exists():
            missing.append(beside.name)
            continue
        if identity(beside) != part["identity"]:
            raise FileFormatError(
                f"{beside} is not the package that {package.path.name} was exported with. "
                "Keep the packages of one export together, or export again."
            )
        found[signature] = read_package(beside)
    return found, tuple(missing)


def _listed(metadata: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    listed = metadata.get(PARTS_KEY, {})
    if not isinstance(listed, dict):
        return {}
    return {
        signature: part
        for signature, part in listed.items()
        if isinstance(part, dict) and Path(str(part.get("file", "/"))).name == part["file"]
    }
