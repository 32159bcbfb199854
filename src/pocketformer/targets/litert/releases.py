"""Which release of TensorFlow Lite or LiteRT first had a version of an operation, and which package that is.

LiteRT's table is corrected by what the released packages were seen to have:
`tests/targets/test_runtime_matrix.py` asks each of them for every operation and version.
"""

from __future__ import annotations

from functools import cache

from pocketformer.targets.litert.release_table import FIRST_RELEASES

#: A release, to compare: (2, 17, 0).
Release = tuple[int, int, int]

# Operation and version → the first package that has it, where that is later than the table says.
_SEEN_LATER = {
    ("BATCH_TO_SPACE_ND", 4): "2.13",
    ("CAST", 5): "2.13",
    ("CAST", 7): "2.19",
    ("CONV_2D", 7): "2.12",
    ("DEPTHWISE_CONV_2D", 7): "2.13",
    ("EXP", 2): "2.13",
    ("FULLY_CONNECTED", 10): "2.13",
    ("MIRROR_PAD", 3): "2.13",
    ("PACK", 4): "2.14",
    ("SELECT", 4): "2.14",
    ("SELECT_V2", 2): "2.14",
    ("SPACE_TO_BATCH_ND", 4): "2.13",
    ("STABLEHLO_AND", 1): "2.19",
    ("STABLEHLO_CASE", 1): "2.19",
    ("STABLEHLO_SHIFT_LEFT", 1): "2.19",
    ("TRANSPOSE", 7): "2.20",
}

# Entered in the table, and in no package to this day.
_NEVER_SEEN = {("STABLEHLO_CBRT", 1)}

#: The newest release whose operations a package has, all of them.
PACKAGES = {
    "ai-edge-litert 1.0.1": "2.18",
    "ai-edge-litert 1.1.2": "2.19",
    "ai-edge-litert 2.0.3": "2.20",
    "ai-edge-litert 2.1.6": "2.22",
    "ai-edge-litert 2.3.0": "2.23",
}
_TFLITE_RUNTIME: tuple[Release, Release] = (2, 5, 0), (2, 14, 0)  # its first and its last release on PyPI


def parsed(release: str) -> Release:
    """Return a release such as "2.9" or "2.14.4" as numbers, to compare.

    Raises:
        ValueError: It is no release.
    """
    parts = [int(part) for part in release.split(".")]
    if not 1 <= len(parts) <= 3 or min(parts) < 0:
        raise ValueError(f"{release!r} is no release")
    major, minor, patch = (*parts, 0, 0)[:3]
    return major, minor, patch


def written(release: Release) -> str:
    """Return a release as it is written: "2.17.0"."""
    return ".".join(str(part) for part in release)


def first_release(operation: str, version: int) -> Release | None:
    """Return the first release with a version of a builtin operation; None where no table tells."""
    return _table().get((operation, version))


def package_for(release: Release) -> str:
    """Return the Python package that is the first to have all of a release: "tflite-runtime 2.9"."""
    first, last = _TFLITE_RUNTIME
    if release <= last:
        return f"{'tflite-runtime' if release >= first else 'TensorFlow'} {release[0]}.{release[1]}"
    fitting = (package for package, newest in PACKAGES.items() if parsed(newest) >= release)
    return next(fitting, "no ai-edge-litert to this day")


@cache
def _table() -> dict[tuple[str, int], Release]:
    table = {
        (operation, version): parsed(release)
        for operation, releases in FIRST_RELEASES.items()
        for version, release in enumerate(releases.split(), start=1)
        if release != "-"
    }
    table |= {key: parsed(release) for key, release in _SEEN_LATER.items()}
    return {key: release for key, release in table.items() if key not in _NEVER_SEEN}
