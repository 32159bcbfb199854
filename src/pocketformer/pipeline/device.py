"""Measuring an edition's files on a phone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pocketformer.bench.device import DeviceOptions, bench_on_device, cases_of
from pocketformer.checks import REJECTED_SUFFIX
from pocketformer.edition import Edition
from pocketformer.errors import FileFormatError, RecipeError
from pocketformer.pipeline.observer import Observer

__all__ = ["bench_edition_on_device", "with_phones_kept"]

_FORMAT = "litert"  # what the phone's tool runs


def bench_edition_on_device(
    edition: Edition,
    directory: Path,
    texts: Sequence[str],
    options: DeviceOptions,
    observer: Observer,
    signatures: Sequence[str] = (),
) -> Edition:
    """Measure the LiteRT files of an edition that take text on the phone that is attached.

    Args:
        edition: Whose files stand in `directory`; rejected ones are left out.
        directory: Where they are.
        texts: Real texts; the longest is what every signature is given.
        options: How to measure.
        observer: Told of the progress.
        signatures: Which ones; all when empty.

    Returns:
        The edition with the figures, those of the same phone replaced; saved.

    Raises:
        RecipeError: The edition has no such file.
        DeviceError: As `bench_on_device` does.
    """
    paths = [
        directory / entry.file
        for entry in edition.files
        if entry.format == _FORMAT
        and not entry.file.endswith(REJECTED_SUFFIX)
        and any(name.startswith("tokenize") for name in entry.signatures)
    ]
    if not paths:
        raise RecipeError(
            f"{directory} holds no .tflite file that takes text; make one: "
            f"pocketformer export {directory / edition.checkpoint} -o {directory} --target litert"
        )
    with observer.stage("bench on the phone") as progress:
        cases = (case for path in paths for case in cases_of(path, texts, signatures=signatures))
        found = bench_on_device(cases, options, progress)
    others = [bench for bench in edition.device_bench if bench.phone != found.phone]
    edition = edition.model_copy(update={"device_bench": (*others, found)})
    edition.save(directory)
    return edition


def with_phones_kept(edition: Edition, directory: Path) -> Edition:
    """Return an edition with what the one that it replaces knows of phones.

    Args:
        edition: The new one, not saved yet.
        directory: Where the old one stands, if there is one that can be read.

    Returns:
        The new one with the figures whose files are still those that were measured.
    """
    try:
        measured = Edition.load(directory).device_bench
    except FileFormatError:
        return edition
    digests = {entry.file: entry.sha256 for entry in edition.files}
    kept = tuple(
        bench
        for bench in measured
        if all(digests.get(name) == digest for name, digest in bench.file_sha256.items())
    )
    return edition.model_copy(update={"device_bench": kept})
