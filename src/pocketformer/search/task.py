"""What every trial of a search trains, but for the settings."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pocketformer.checkpoint import local_directory
from pocketformer.train import (
    DistillSettings,
    EpochScore,
    FinetuneResult,
    FinetuneSettings,
    distill,
    finetune,
)
from pocketformer.train.work import fingerprint

if TYPE_CHECKING:
    from pocketformer.data import LabeledTexts
    from pocketformer.search.space import Dimension

__all__ = ["Task"]


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A fine-tuning, or a distillation where there is a teacher; the arguments are those of `search`."""

    base: str | Path
    teacher: str | Path | None
    train: LabeledTexts
    dev: LabeledTexts
    unlabelled: Sequence[str]
    given: FinetuneSettings

    def run(
        self,
        settings: FinetuneSettings,
        directory: Path,
        on_progress: Callable[[float, str], None],
        on_epoch: Callable[[EpochScore], None],
    ) -> FinetuneResult:
        """Train with these settings."""
        if self.teacher is None:
            return finetune(self.base, self.train, self.dev, directory, settings, on_progress, on_epoch)
        assert isinstance(settings, DistillSettings)
        return distill(
            self.teacher, self.base, self.train, self.dev, directory, settings, self.unlabelled,
            on_progress, on_epoch,
        )  # fmt: skip

    def fingerprint(self, searched: Sequence[Dimension]) -> str:
        """Return what changes when trials of one study could no longer be compared."""
        checkpoints = [local_directory(place) for place in (self.base, self.teacher) if place is not None]
        ranges = json.dumps([f"{dimension.name}: {dimension}" for dimension in searched])
        settings = self.given.model_dump_json()
        return fingerprint(checkpoints, [self.train, self.dev], settings, ranges, *self.unlabelled)
