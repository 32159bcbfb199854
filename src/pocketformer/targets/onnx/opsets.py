"""Which ONNX Runtime takes which opset and IR version: the one place that says so.

Sources: the table of onnxruntime.ai, "Compatibility" (docs/reference/compatibility.md) up to 1.20; ONNX's own
docs/Versioning.md for the IR version of an opset.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pocketformer.errors import ExportError

#: Name of our entry in a file's metadata.
METADATA_KEY = "pocketformer"

#: The opset torch.onnx translates to; a file states no more than its operations need.
EXPORTED_OPSET = 18
#: What a file states when nothing in it needs more: the first with LayerNormalization.
DEFAULT_OPSET = 17
#: The first with four-bit tensors and scales by blocks.
BLOCKS_OPSET = 21
#: Before it, Softmax and others meant something else.
OLDEST_OPSET = 13

_NEWEST_OPSET = 28

_FIRST_RELEASE_OF_OPSET = {
    7: "0.1",
    8: "0.1",
    9: "0.3",
    10: "0.4",
    11: "1.0",
    12: "1.3",
    13: "1.6",
    14: "1.8",
    15: "1.9",
    16: "1.11",
    17: "1.12",
    18: "1.14",
    19: "1.15",
    20: "1.17",
    21: "1.18",
}
_FIRST_RELEASE_OF_IR = {3: "0.1", 4: "0.4", 5: "0.4", 6: "1.0", 7: "1.3", 8: "1.9", 9: "1.16", 10: "1.18"}
_IR_OF_OPSET = {17: 8, 18: 8, 19: 9, 20: 9, 21: 10}


def ir_version_for(opset: int) -> int:
    """Return the IR version that files of an opset are written in."""
    return _IR_OF_OPSET.get(opset, 8 if opset < 17 else 10)


def asked_opset(oldest_runtime: str | None) -> int | None:
    """Read the opset of `ExportOptions.oldest_runtime`.

    Raises:
        ExportError: It is no number of an opset, or one before 13.
    """
    if oldest_runtime is None:
        return None
    if not oldest_runtime.isdecimal() or not OLDEST_OPSET <= int(oldest_runtime) <= _NEWEST_OPSET:
        raise ExportError(
            f"The opset {oldest_runtime!r} cannot be kept to; give a whole number from {OLDEST_OPSET} to "
            f"{_NEWEST_OPSET}, such as {DEFAULT_OPSET}."
        )
    return int(oldest_runtime)


# Opset 21 has four-bit tensors and scales by blocks; the release that brought it, 1.18, refuses both (seen
# with the real wheels).
_FIRST_RELEASE_OF_PART = {"int4": "1.19", "uint4": "1.19", "block_size": "1.19"}


def oldest_release(opset: int, ir_version: int, used: Collection[str]) -> tuple[str | None, str]:
    """Return the oldest ONNX Runtime that takes a file, and what in the file asks for it.

    Args:
        opset: Of the standard domain.
        ir_version: Of the file.
        used: Types of its stored tensors, and attributes of its operations.

    Returns:
        The release, None where the tables do not tell, and a reason such as "opset 17".
    """
    needs = {
        f"opset {opset}": _lookup(_FIRST_RELEASE_OF_OPSET, opset),
        f"IR version {ir_version}": _lookup(_FIRST_RELEASE_OF_IR, ir_version),
        **{part: release for part, release in _FIRST_RELEASE_OF_PART.items() if part in used},
    }
    for reason, release in needs.items():
        if release is None:
            return None, reason
    reason = max(needs, key=lambda one: _as_numbers(needs[one] or ""))
    return needs[reason], reason


def _lookup(table: Mapping[int, str], version: int) -> str | None:
    return table.get(max(version, min(table)))


def _as_numbers(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split("."))
