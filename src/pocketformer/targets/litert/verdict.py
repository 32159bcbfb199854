"""The oldest runtime that a file loads on and computes right on, from what is in it."""

from __future__ import annotations

from collections.abc import Iterable

from pocketformer.targets.contract import RuntimeVerdict
from pocketformer.targets.litert.operations import Operation
from pocketformer.targets.litert.releases import Release, first_release, written

#: What the releases count.
RUNTIME_NAME = "LiteRT"

# Weights may stand behind the flatbuffer, as ai-edge-quantizer writes them. tflite-runtime 2.13 does not find
# them ("Input tensor 114 lacks data"), 2.14 does: tests/targets/test_runtime_matrix.py.
_OUTSIDE_BUFFERS: tuple[Release, str] = (2, 14, 0), "weights stored behind the flatbuffer"
_OLDEST: tuple[Release, str] = (1, 5, 0), "the file format"


def runtime_verdict(
    operations: Iterable[Operation], *, outside_buffers: bool = False, stated: str | None = None
) -> RuntimeVerdict:
    """Return the oldest release that has every operation of a file, in the version its tensors ask for.

    Args:
        operations: All of the file.
        outside_buffers: Whether weights stand behind the flatbuffer.
        stated: The release that the file itself states; it is told and not believed.

    Returns:
        Without a release when an operation is in no table; the reason then tells what the others need.
    """
    distinct = list(dict.fromkeys(operations))
    release, reason = _OUTSIDE_BUFFERS if outside_buffers else _OLDEST
    for operation in distinct:
        first = first_release(operation.name, operation.version) if operation.builtin else None
        if first is not None and first > release:
            release, reason = first, described(operation)
    unknown = tuple(unknown_operations(distinct))
    if not unknown:
        return RuntimeVerdict(RUNTIME_NAME, written(release), reason, stated)
    reason = f"{reason} needs {written(release)}, and no table of releases has {', '.join(unknown)}"
    return RuntimeVerdict(RUNTIME_NAME, None, reason, stated, unknown)


def unknown_operations(operations: Iterable[Operation]) -> list[str]:
    """Return the operations whose release no table tells: custom ones, and what is newer than the table."""
    return [
        f"{operation.name} version {operation.version}" if operation.builtin else f"custom {operation.name}"
        for operation in dict.fromkeys(operations)
        if not operation.builtin or first_release(operation.name, operation.version) is None
    ]


def described(operation: Operation) -> str:
    """Name an operation and its version, and say so where the file states an older one."""
    text = f"{operation.name} version {operation.version}"
    if operation.stated < operation.needed:
        text += f" for the types of its tensors (the file states version {operation.stated})"
    return text
