"""Going through the rules: the first that applies answers its question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from pocketformer.advice.rules import RULES, Rule
from pocketformer.advice.situation import Situation

__all__ = ["Advice", "Reason", "advise"]


class Reason(BaseModel):
    """One answer: what was asked, what holds here, what follows, and why."""

    model_config = ConfigDict(frozen=True)

    question: str
    situation: str
    advice: str
    because: str


class Advice(BaseModel):
    """A recipe's settings, and the reason of each.

    Attributes:
        settings: By section of a recipe, such as {"student": {"layers": 3}}.
        reasons: In the order of the questions.
    """

    model_config = ConfigDict(frozen=True)

    settings: dict[str, dict[str, Any]]
    reasons: tuple[Reason, ...]


def advise(situation: Situation, rules: Sequence[Rule] = RULES) -> Advice:
    """Return a recipe's settings for a situation, with the reasons; an export then keeps to its release."""
    settings: dict[str, dict[str, Any]] = {}
    reasons = []
    answered = set()
    for rule in rules:
        if rule.question in answered or not rule.applies(situation):
            continue
        answered.add(rule.question)
        reasons.append(
            Reason(
                question=rule.question.value,
                situation=rule.situation,
                advice=rule.advice,
                because=rule.because,
            )
        )
        for name, value in rule.settings.items():
            section, _, setting = name.partition(".")
            settings.setdefault(section, {})[setting] = value
    if situation.release is not None and situation.platform != "server":
        settings["export"]["ios" if situation.platform == "ios" else "runtime"] = situation.release
    return Advice(settings=settings, reasons=tuple(reasons))
