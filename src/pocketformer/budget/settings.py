"""What a budget may say."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["BudgetSettings"]


class BudgetSettings(BaseModel):
    """Settings of `search_plan`; a limit that is left out does not bind."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_mb: float | None = Field(
        None, gt=0, description="Megabytes (10^6 bytes) of the file, everything in it."
    )
    max_drop: float | None = Field(
        None, ge=0, description="Points of dev accuracy that may be lost to float32."
    )
    max_ms: float | None = Field(
        None, gt=0, description="Milliseconds per text of a usual length, one thread."
    )
    target: str = Field("litert", description="The format whose file is meant: litert, onnx or coreml.")
    formats: tuple[str, ...] = Field(
        ("int8", "int4-b32", "int4", "int2"),
        min_length=1,
        description="Weight formats to choose among, layer by layer; those the target lacks are left out.",
    )
    sensitivity_texts: int = Field(
        200, ge=1, description="Dev texts that are asked what each layer's precision costs."
    )
    options: int = Field(
        16, ge=2, description="Plans between the most exact and the smallest that are tried."
    )

    @model_validator(mode="after")
    def _has_a_limit(self) -> BudgetSettings:
        if self.max_mb is None and self.max_drop is None and self.max_ms is None:
            raise ValueError("a budget needs a limit: max_mb, max_drop or max_ms")
        return self
