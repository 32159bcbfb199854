"""Files on emulated processors: a part of how each file was proven."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketformer.report import figures
from pocketformer.report.blocks import Block, Bullets, Column, Table

if TYPE_CHECKING:
    from pocketformer.checks.emulation import ProcessorVerdict
    from pocketformer.edition import Edition, EditionFile

__all__ = ["processor_blocks"]

_COLUMNS = (
    Column("File", numeric=False, code=True),
    Column("Processor", numeric=False),
    Column("Verdict", numeric=False),
    Column("Token ids equal"),
    Column("Label as here"),
    Column("Largest Δ to here"),
    Column("Mean relative Δ to here, %"),
    Column("Largest error to PyTorch"),
    Column("Mean relative error to PyTorch, %"),
)


def processor_blocks(edition: Edition) -> list[Block]:
    """Return a row for each file and processor, and what was missed or changed; nothing where none ran."""
    pairs = [(file, found) for file in edition.files for found in file.processors]
    if not pairs:
        return []
    table = Table(
        "On emulated processors", _COLUMNS, tuple(_row(*pair) for pair in pairs), _note([v for _, v in pairs])
    )
    told = tuple(
        f"{file.file} on {found.processor}: {sentence}"
        for file, found in pairs
        for sentence in (*found.misses, *(f"{tie} A tie, within the allowed error." for tie in found.ties))
    )
    return [table.without_empty_columns(), *([Bullets(told)] if told else [])]


def _row(file: EditionFile, found: ProcessorVerdict) -> tuple[str, ...]:
    features = f" ({', '.join(found.features)})" if found.features else ""
    return (
        file.file,
        f"{found.architecture} {found.processor}{features}",
        "✓ passed" if found.passed else "✗ missed",
        f"{found.texts - found.token_mismatches:,} of {found.texts:,}",
        figures.ABSENT if found.labels_equal is None else f"{found.labels_equal:,} of {found.classified:,}",
        figures.error(found.max_difference),
        figures.error(found.mean_relative_difference * 100),
        figures.error(found.max_error),
        figures.error(found.mean_relative_error * 100),
    )


def _note(found: list[ProcessorVerdict]) -> str:
    by = " and ".join(dict.fromkeys(f"{one.runtime} in {one.emulator}" for one in found))
    here = " and ".join(dict.fromkeys(one.here for one in found))
    return (
        f"{by}, beside the same runtime on {here} (here). Token ids were compared on all texts, outputs on "
        "the number under Label; Δ and error are of logits, of hidden states for an encoder. Emulation "
        "proves values, not speed."
    )
