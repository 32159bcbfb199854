"""The settings that are searched, each with its range, and the way from a trial's values to settings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pocketformer.errors import RecipeError
from pocketformer.search.settings import SearchSpace, StartingPoint
from pocketformer.train import DistillSettings, FinetuneSettings

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

__all__ = [
    "Choice",
    "Dimension",
    "Interval",
    "Params",
    "default_params",
    "dimensions",
    "rounded",
    "settings_of",
    "start_params",
]

Params = Mapping[str, float | int | str]
Settings = TypeVar("Settings", bound=FinetuneSettings)

_DIGITS = 3  # of a searched number: a recipe that a person can read costs nothing
_RATE_FACTOR = 8.0
_HIGHEST_RATE = 0.1
_LOGARITHMIC = {"learning_rate", "head_factor", "weight_decay", "temperature"}
_OF_DISTILLING = {"temperature", "soft_weight"}
_OF_THE_HEAD = {"head", "pooling"}


@dataclass(frozen=True, slots=True)
class Interval:
    """A setting between two numbers, both included; whole numbers when both are."""

    name: str
    low: float
    high: float
    logarithmic: bool = False

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int | float) and self.low <= value <= self.high

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}{', logarithmic' if self.logarithmic else ''}"

    def distribution(self) -> BaseDistribution:
        """Return it as Optuna's."""
        from optuna.distributions import FloatDistribution, IntDistribution

        if isinstance(self.low, int) and isinstance(self.high, int):
            return IntDistribution(self.low, self.high, log=self.logarithmic)
        return FloatDistribution(float(self.low), float(self.high), log=self.logarithmic)

    def nearest(self, value: Any) -> Any:
        """Return the value inside that is nearest."""
        return min(max(value, self.low), self.high)


@dataclass(frozen=True, slots=True)
class Choice:
    """A setting that is one of several values."""

    name: str
    values: tuple[Any, ...]

    @property
    def logarithmic(self) -> bool:
        """Choices have no distances."""
        return False

    def __contains__(self, value: object) -> bool:
        return value in self.values

    def __str__(self) -> str:
        return ", ".join(str(value) for value in self.values)

    def distribution(self) -> BaseDistribution:
        """Return it as Optuna's."""
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(self.values)

    def nearest(self, value: Any) -> Any:
        """Return the value if it is a choice, else the nearest number, or the first name."""
        if value in self.values or isinstance(value, str):
            return value if value in self.values else self.values[0]
        return min(self.values, key=lambda choice: abs(choice - value))


Dimension = Interval | Choice


def dimensions(
    space: SearchSpace, given: FinetuneSettings, resolved: FinetuneSettings, *, head_is_new: bool
) -> tuple[Dimension, ...]:
    """Return what is searched: what the space names, and every setting that nothing was said about.

    Args:
        space: Ranges asked for.
        given: The training's settings; what is set there and not named in the space stays as it is.
        resolved: The same with the defaults for this encoder filled in: ranges lie around them.
        head_is_new: Whether the head starts from random weights; a trained one is kept.

    Raises:
        RecipeError: Everything is given, or a setting of distillation is asked for without a teacher.
    """
    distilling = isinstance(given, DistillSettings)
    fixed = {name for name in given.model_fields_set if getattr(given, name) is not None}
    if "head_learning_rate" in fixed:
        fixed.add("head_factor")
    if not head_is_new:
        fixed |= _OF_THE_HEAD
    found = []
    for name, default in _default_ranges(resolved, head_is_new).items():
        asked = getattr(space, name)
        if name in _OF_DISTILLING and not distilling:
            if asked is not None:
                raise RecipeError(
                    f"The search space names {name}, a setting of distillation; give a teacher."
                )
            continue
        if asked is not None:
            default = _dimension(name, asked)
        elif name in fixed:
            continue
        found.append(default)
    if not found:
        raise RecipeError(
            "Every setting is given, so there is nothing to search; leave some out of [finetune], or give "
            "ranges in [search.space]."
        )
    return tuple(found)


def default_params(searched: Sequence[Dimension], resolved: FinetuneSettings) -> Params:
    """Return the searched settings' defaults, moved into their ranges where they lie outside."""
    return {dimension.name: dimension.nearest(_value(dimension.name, resolved)) for dimension in searched}


def start_params(searched: Sequence[Dimension], start: StartingPoint, defaults: Params) -> Params:
    """Return a starting point's values, and the defaults for what it leaves out.

    Raises:
        RecipeError: A value outside its range, or of a setting that is not searched.
    """
    ranges = {dimension.name: dimension for dimension in searched}
    values = start.model_dump(exclude_none=True)
    for name, value in values.items():
        if name not in ranges:
            raise RecipeError(
                f"The starting point sets {name}, which is not searched; give it a range in [search.space], "
                "or leave it out."
            )
        if value not in ranges[name]:
            raise RecipeError(
                f"The starting point's {name} is {value}, outside of what is searched ({ranges[name]}); give "
                f"{name} a range in [search.space] that holds it."
            )
    return {**defaults, **values}


def settings_of(params: Params, given: Settings) -> Settings:
    """Return the settings of a trial: those given, with the searched ones put in.

    Args:
        params: By name of a dimension, as Optuna chose them; numbers are rounded to 3 digits.
        given: Settings of the training.

    Raises:
        ValidationError: A value that settings cannot have.
    """
    update: dict[str, Any] = {name: rounded(value) for name, value in params.items()}
    factor = update.pop("head_factor", None)
    if factor is not None:
        rate = update.get("learning_rate", given.learning_rate)
        update["head_learning_rate"] = rounded(min(rate * factor, _HIGHEST_RATE))
    fields = {name: getattr(given, name) for name in given.model_fields_set}
    return type(given).model_validate({**fields, **update})


def rounded(value: Any) -> Any:
    """Return a number with the digits that a trial trains with; a text or whole number as it is."""
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value


def _default_ranges(resolved: FinetuneSettings, head_is_new: bool) -> dict[str, Dimension]:
    """Return the ranges of all settings that can be searched, around the defaults of this encoder."""
    rate, epochs = resolved.learning_rate, resolved.epochs
    assert rate is not None
    assert epochs is not None
    return {
        dimension.name: dimension
        for dimension in (
            Interval(
                "learning_rate",
                rounded(rate / _RATE_FACTOR),
                rounded(min(rate * _RATE_FACTOR, max(_HIGHEST_RATE, rate))),
                logarithmic=True,
            ),
            Interval("head_factor", 1.0, 30.0 if head_is_new else 10.0, logarithmic=True),
            Interval("weight_decay", 1e-5, 0.1, logarithmic=True),
            Interval("epochs", math.ceil(epochs / 2), math.ceil(epochs * 1.5)),
            Choice("batch_size", (16, 32, 64)),
            Interval("warmup_ratio", 0.0, 0.2),
            Choice("head", ("linear", "two-layer")),
            Choice("pooling", ("mean", "cls")),
            Interval("dropout", 0.0, 0.3),
            Interval("temperature", 1.0, 8.0, logarithmic=True),
            Interval("soft_weight", 0.0, 1.0),
        )
    }


def _dimension(name: str, asked: tuple[Any, ...]) -> Dimension:
    if name in ("batch_size", "head", "pooling"):
        return Choice(name, asked)
    return Interval(name, asked[0], asked[1], name in _LOGARITHMIC)


def _value(name: str, resolved: FinetuneSettings) -> Any:
    if name != "head_factor":
        return getattr(resolved, name)
    assert resolved.head_learning_rate is not None
    assert resolved.learning_rate is not None
    return rounded(resolved.head_learning_rate / resolved.learning_rate)
