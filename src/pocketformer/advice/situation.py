"""What advice depends on: where the model is to run, what it may cost, and what there is to learn from."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pocketformer.errors import RecipeError

__all__ = ["Platform", "Situation"]

Platform = Literal["android", "ios", "web", "server"]


class Situation(BaseModel):
    """Where a model is to run, what it may cost, and what there is to learn from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    platform: Platform = Field("android", description="Where the file is opened.")
    release: str | None = Field(
        None, description="Oldest release it must open on: of LiteRT or TFLite on Android, of iOS on a phone."
    )
    max_mb: float | None = Field(None, gt=0, description="Megabytes (10^6 bytes) of the file.")
    max_drop: float | None = Field(None, ge=0, description="Points of accuracy that may be lost to float32.")
    rows: int = Field(ge=1, description="Rows with a label.")
    labels: int = Field(ge=2, description="Different labels.")
    unlabelled: int = Field(0, ge=0, description="Texts without a label.")
    may_train: bool = Field(True, description="Whether there is time to train; else a checkpoint is taken.")

    @field_validator("release")
    @classmethod
    def _is_a_release(cls, value: str | None) -> str | None:
        if value is not None and not all(part.isdigit() for part in value.split(".")):
            raise RecipeError(f"{value!r} is no release; give one such as 2.14 (LiteRT, TFLite) or 16 (iOS).")
        return value

    @property
    def rows_per_label(self) -> float:
        """Labelled rows for each label, on average."""
        return self.rows / self.labels

    def is_older_than(self, release: str) -> bool:
        """Whether the file must open on something older; no release that was asked for is new enough."""
        return self.release is not None and _parts(self.release) < _parts(release)

    def fits(self, megabytes: float) -> bool:
        """Whether a file of so many megabytes is small enough."""
        return self.max_mb is None or self.max_mb >= megabytes


def _parts(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split("."))
