"""Environment and provenance: what made the files, and how to know them again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from pocketformer.report import figures
from pocketformer.report.blocks import Block, Column, Section, Table

if TYPE_CHECKING:
    from pocketformer.edition import Edition, EditionFile

__all__ = ["provenance_section"]


def provenance_section(edition: Edition) -> Section | None:
    """Return the contents and digests of the files, the checkpoint, the versions and the recipe."""
    blocks: list[Block] = [Table.of_pairs("Model", "What", _model(edition))]
    if edition.files:
        blocks += [_contents(edition.files), _digests(edition.files)]
    if edition.environment:
        blocks.append(Table.of_pairs("Environment", "What", edition.environment.items()))
    if edition.recipe:
        blocks.append(Table.of_pairs("Recipe", "Setting", _flat(edition.recipe)))
    return Section("provenance", "Environment and provenance", blocks)


def _model(edition: Edition) -> Iterator[tuple[str, str]]:
    yield "base", edition.base
    yield "architecture", edition.architecture
    yield "parameters", figures.count(edition.parameters)
    yield "checkpoint", edition.checkpoint
    if edition.checkpoint_sha256:
        yield "checkpoint SHA-256", edition.checkpoint_sha256
    yield "made", edition.created


def _contents(files: tuple[EditionFile, ...]) -> Table:
    dtypes = dict.fromkeys(dtype for file in files for dtype in file.weight_bytes)
    columns = (
        Column("File", numeric=False, code=True),
        *(Column(f"Weights in {dtype}, MB") for dtype in dtypes),
        Column("Operations"),
        Column("Signatures", numeric=False, prose=True, code=True),
    )
    rows = tuple(
        (
            file.file,
            *(figures.megabytes(file.weight_bytes.get(dtype)) for dtype in dtypes),
            figures.count(file.operations),
            ", ".join(file.signatures),
        )
        for file in files
    )
    return Table("What is in each file, counted from its bytes", columns, rows)


def _digests(files: tuple[EditionFile, ...]) -> Table:
    columns = (
        Column("File", numeric=False, code=True),
        Column("Bytes"),
        Column("SHA-256", numeric=False, code=True),
    )
    rows = tuple((file.file, figures.count(file.size_bytes), file.sha256) for file in files)
    return Table("Digests", columns, rows)


def _flat(settings: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield a nested recipe as dotted names and values."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", figures.plain(value)
