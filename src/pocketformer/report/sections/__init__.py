"""The sections of a report, in the order a reader meets them; each is None when nothing is known of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketformer.report.blocks import Section
from pocketformer.report.sections.augmentation import augmentation_section
from pocketformer.report.sections.baselines import baselines_section
from pocketformer.report.sections.budget import budget_section
from pocketformer.report.sections.data import data_section
from pocketformer.report.sections.device import device_section
from pocketformer.report.sections.files import files_section, size_section
from pocketformer.report.sections.footprint import footprint_section
from pocketformer.report.sections.latency import latency_section
from pocketformer.report.sections.layers import layers_section
from pocketformer.report.sections.mistakes import confusion_section, mistakes_section
from pocketformer.report.sections.proof import proof_section
from pocketformer.report.sections.provenance import provenance_section
from pocketformer.report.sections.student import student_section
from pocketformer.report.sections.training import training_section
from pocketformer.report.sections.trying import trying_section

if TYPE_CHECKING:
    from pocketformer.edition import Edition

__all__ = ["sections_of"]

_ALL = (
    files_section,
    size_section,
    trying_section,
    budget_section,
    baselines_section,
    latency_section,
    footprint_section,
    device_section,
    proof_section,
    layers_section,
    confusion_section,
    mistakes_section,
    data_section,
    student_section,
    training_section,
    augmentation_section,
    provenance_section,
)


def sections_of(edition: Edition) -> tuple[Section, ...]:
    """Return the sections an edition has something to say in."""
    found = (section(edition) for section in _ALL)
    return tuple(section for section in found if section is not None)
