"""How a program becomes packages: which signatures, in how many packages, for which iOS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from pocketformer.errors import ExportError
from pocketformer.targets.coreml.releases import (
    FIRST_IOS,
    FUNCTIONS_IOS,
    WHY,
    Release,
    asked_ios,
    release_of_ios,
)

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


def laid_out(program: Program, precision: str, oldest_runtime: str | None) -> Layout:
    """Choose the layout for the oldest iOS that packages must load on.

    Raises:
        ExportError: It is no iOS version, or too old for the precision.
    """
    limit = asked_ios(oldest_runtime)
    first = FIRST_IOS[precision]
    if limit is not None and first > limit:
        others = [one for one in ("int8", "palette4", "fp16") if FIRST_IOS[one] <= limit]
        raise ExportError(
            f"iOS {oldest_runtime} cannot load {precision}: {WHY[precision]} need iOS {first}. "
            f"Export with --ios {first}, or in {' or '.join(others)}."
        )
    signatures = _signatures(program)
    several = len(signatures) > 1
    together = several and (limit is None or limit >= FUNCTIONS_IOS)
    return Layout(release_of_ios(FUNCTIONS_IOS if together else first), signatures, together)


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
