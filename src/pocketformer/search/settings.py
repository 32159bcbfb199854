"""What can be said of a search: how long, where its study is kept, and which settings are tried."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

__all__ = ["DEFAULT_SEARCH", "SearchSettings", "SearchSpace", "StartingPoint"]

Head = Literal["linear", "two-layer"]
Pooling = Literal["mean", "cls", "pooler"]
_Rate = Annotated[float, Field(gt=0, lt=1)]
_Factor = Annotated[float, Field(gt=0, le=1000)]
_Share = Annotated[float, Field(ge=0, lt=1)]
_Weight = Annotated[float, Field(ge=0, le=1)]
_Epochs = Annotated[int, Field(ge=1, le=1000)]
_Texts = Annotated[int, Field(ge=1)]
_Temperature = Annotated[float, Field(ge=1, le=100)]


def _ascending(ends: tuple[float, float]) -> tuple[float, float]:
    if ends[0] > ends[1]:
        raise ValueError(f"a range goes from low to high; write [{ends[1]:g}, {ends[0]:g}]")
    return ends


def _different(values: tuple[object, ...]) -> tuple[object, ...]:
    if len(set(values)) < len(values):
        raise ValueError("a choice stands there twice")
    return values


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SearchSpace(_Section):
    """What each setting may be: `[low, high]`, or a list of choices.

    A setting that is left out here is searched in a range around its default, unless `[finetune]` (or
    `[distill]`) says what it is: then it stays so.
    """

    learning_rate: Annotated[tuple[_Rate, _Rate], AfterValidator(_ascending)] | None = Field(
        None, description="Of the encoder, [low, high], logarithmic."
    )
    head_factor: Annotated[tuple[_Factor, _Factor], AfterValidator(_ascending)] | None = Field(
        None, description="How many times faster the head learns, [low, high], logarithmic."
    )
    weight_decay: Annotated[tuple[_Rate, _Rate], AfterValidator(_ascending)] | None = Field(
        None, description="[low, high], logarithmic."
    )
    epochs: Annotated[tuple[_Epochs, _Epochs], AfterValidator(_ascending)] | None = Field(
        None, description="[low, high]."
    )
    batch_size: Annotated[tuple[_Texts, ...], AfterValidator(_different)] | None = Field(
        None, min_length=1, description="Choices."
    )
    warmup_ratio: Annotated[tuple[_Share, _Share], AfterValidator(_ascending)] | None = Field(
        None, description="[low, high]."
    )
    head: Annotated[tuple[Head, ...], AfterValidator(_different)] | None = Field(
        None, min_length=1, description="Choices."
    )
    pooling: Annotated[tuple[Pooling, ...], AfterValidator(_different)] | None = Field(
        None, min_length=1, description="Choices."
    )
    dropout: Annotated[tuple[_Share, _Share], AfterValidator(_ascending)] | None = Field(
        None, description="[low, high]."
    )
    temperature: Annotated[tuple[_Temperature, _Temperature], AfterValidator(_ascending)] | None = Field(
        None, description="Of distillation, [low, high], logarithmic."
    )
    soft_weight: Annotated[tuple[_Weight, _Weight], AfterValidator(_ascending)] | None = Field(
        None, description="Of distillation, [low, high]."
    )


class StartingPoint(_Section):
    """Settings to try before the defaults, as a line to be better than; what is left out is a default."""

    learning_rate: _Rate | None = Field(None, description="Of the encoder.")
    head_factor: _Factor | None = Field(None, description="How many times faster the head learns.")
    weight_decay: _Rate | None = Field(None, description="AdamW's.")
    epochs: _Epochs | None = Field(None, description="Passes over the training texts.")
    batch_size: _Texts | None = Field(None, description="Texts per step.")
    warmup_ratio: _Share | None = Field(None, description="Share of the steps.")
    head: Head | None = Field(None, description="linear or two-layer.")
    pooling: Pooling | None = Field(None, description="mean, cls or pooler.")
    dropout: _Share | None = Field(None, description="Of the head's inputs.")
    temperature: _Temperature | None = Field(None, description="Of distillation.")
    soft_weight: _Weight | None = Field(None, description="Of distillation.")


class SearchSettings(_Section):
    """Settings of `search`."""

    trials: int = Field(
        20, ge=1, le=100_000, description="Trials of the whole study, whichever worker runs them."
    )
    seconds: float | None = Field(
        None, gt=0, description="After this time a worker begins no further trial; it ends the one it has."
    )
    storage: str | None = Field(
        None,
        min_length=1,
        description="Where workers meet: an Optuna URL such as postgresql://user@host/db, or the path of a "
        "journal file that all of them reach; search.journal beside the results when left out.",
    )
    study: str = Field("search", min_length=1, description="Name of the study in the storage.")
    seed: int = Field(0, ge=0, lt=2**32, description="Of what is tried; a training has its own.")
    space: SearchSpace = Field(SearchSpace(), description="What each setting may be.")
    start_from: StartingPoint | None = Field(
        None, description="Settings to try before the defaults, to be better than."
    )


DEFAULT_SEARCH = SearchSettings()
