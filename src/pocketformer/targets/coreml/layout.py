"""How a program becomes packages: which signatures, in how many packages, for which iOS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from pocketformer.errors import ExportError
from pocketformer.targets.coreml.releases import (
    FUNCTIONS_IOS,
    OLDEST_IOS,
    Release,
    asked_ios,
    release_of_ios,
)
from pocketformer.targets.coreml.storage import COMPRESSED_IOS, Need

if TYPE_CHECKING:
    from pocketformer.program import Program, Signature

# The function an app calls first, in the order of preference.
_MAIN = ("classify", "encode", "tokenize")


@dataclass(frozen=True, slots=True)
class Layout:
    """The packages of an export.

    Attributes:
        release: The oldest that loads them.
        signatures: Names, that of the default function, or of the first package, at the start.
        together: Whether one package holds them all as functions; otherwise each has a package.
    """

    release: Release
    signatures: tuple[str, ...]
    together: bool


def laid_out(program: Program, needs: Sequence[Need], oldest_runtime: str | None) -> Layout:
    """Choose the layout for the oldest iOS that packages must load on.

    Args:
        program: What is written.
        needs: What the formats of its weights ask for.
        oldest_runtime: An iOS version; None sets no limit.

    Raises:
        ExportError: It is no iOS version, or too old for the format of a weight.
    """
    limit = asked_ios(oldest_runtime)
    least = max((one.least for one in needs), default=OLDEST_IOS)
    if limit is not None and least > limit:
        raise ExportError(_refusal(needs, limit, least, oldest_runtime))
    exact = max((one.exact for one in needs), default=OLDEST_IOS)
    signatures = _signatures(program)
    several = len(signatures) > 1
    together = several and (limit is None or limit >= FUNCTIONS_IOS)
    own = exact if limit is None or limit >= exact else least
    return Layout(release_of_ios(FUNCTIONS_IOS if together else own), signatures, together)


def _refusal(needs: Sequence[Need], limit: int, least: int, oldest_runtime: str | None) -> str:
    newer = [one for one in needs if one.least > limit]
    first = next(one for one in newer if one.least == least)
    more = f" (and {len(newer) - 1} more)" if len(newer) > 1 else ""
    formats = "int8, palette4 or fp16" if limit >= COMPRESSED_IOS else "fp16"
    return (
        f"iOS {oldest_runtime} cannot load {first.format}, which the plan has for {first.layer}{more}: "
        f"{first.why} need iOS {first.least}. Export with --ios {least}, or plan {formats}."
    )


def _signatures(program: Program) -> tuple[str, ...]:
    """Return the signatures that are written, the main one first.

    `serving_default` gives what the signature of the same length gives, or less: it is a name that servers
    look for, no app on a phone does, and a function costs time and space when a package is compiled.
    """
    given = {one.name: one for one in program.signatures}
    kept = [name for name, one in given.items() if name != "serving_default" or not _is_covered(one, program)]
    main = next((name for name in _MAIN if name in kept), kept[0])
    return (main, *(name for name in kept if name != main))


def _is_covered(familiar: Signature, program: Program) -> bool:
    shapes = _shapes(familiar)
    return any(one.name != familiar.name and _shapes(one) == shapes for one in program.signatures)


def _shapes(signature: Signature) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in signature.inputs.items()}
