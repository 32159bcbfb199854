"""What an edition looks like as a report: its title, its verdict in a sentence, its sections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketformer.report.blocks import Page
from pocketformer.report.sections import sections_of

if TYPE_CHECKING:
    from pocketformer.edition import Edition

__all__ = ["page_of"]


def page_of(edition: Edition) -> Page:
    """Return an edition as a page without markup."""
    passed, verdict = _verdict(edition)
    return Page(edition.name, _subtitle(edition), passed, verdict, sections_of(edition))


def _subtitle(edition: Edition) -> str:
    parts = [f"{edition.base}, {edition.architecture}", f"{edition.parameters / 1e6:.1f} million parameters"]
    if edition.labels:
        several = ", several may hold" if edition.multi_label else ""
        parts.append("1 label" if len(edition.labels) == 1 else f"{len(edition.labels)} labels{several}")
    return " · ".join([*parts, edition.created[:10]])


def _verdict(edition: Edition) -> tuple[bool | None, str]:
    """Return whether all files passed, and who missed what; None when nothing was verified."""
    verdicts = [(file.file, file.verdict) for file in edition.files if file.verdict is not None]
    unverified = len(edition.files) - len(verdicts)
    if not edition.files:
        return None, "No file has been exported yet."
    if not verdicts:
        are = "1 file was" if unverified == 1 else f"{unverified} files were"
        return None, f"{are} exported and not verified yet."
    missed = [f"{name} missed: {' '.join(verdict.misses)}" for name, verdict in verdicts if verdict.misses]
    passed = len(verdicts) - len(missed)
    said = f"{passed} of {len(edition.files)} files passed"
    if unverified:
        missed.append(f"{unverified} not verified.")
    if not missed:
        does = "it does" if passed == 1 else "each does"
        return True, f"{said}: {does} what the PyTorch model does."
    return False if passed + unverified < len(edition.files) else None, f"{said}. {' '.join(missed)}"
