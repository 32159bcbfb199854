"""The decision table as Markdown, and advice as a recipe one can run."""

from __future__ import annotations

from collections.abc import Sequence

import tomli_w

from pocketformer.advice.advising import Advice
from pocketformer.advice.rules import RULES, Rule

__all__ = ["recipe_of", "table_of"]


def table_of(rules: Sequence[Rule] = RULES) -> str:
    """Return the rules as Markdown, a table per question; of each, the first row that applies counts."""
    blocks = []
    for question in dict.fromkeys(rule.question for rule in rules):
        rows = [rule for rule in rules if rule.question is question]
        lines = [f"## {question.value}", "", "| when | take | because |", "|---|---|---|"]
        lines += [f"| {rule.situation} | {rule.advice} | {rule.because} |" for rule in rows]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def recipe_of(
    advice: Advice, name: str, base: str, train: str, test: str | None = None, unlabelled: str | None = None
) -> str:
    """Return a recipe, TOML, with the reasons as comments on top.

    Args:
        advice: Its settings.
        name: Of the edition; it goes to `dist/NAME`.
        base: Checkpoint to start from.
        train: Path of the labelled table, as the recipe sees it.
        test: Of the held-out one; a part of `train` where there is none.
        unlabelled: Of texts without labels; left out where the advice makes nothing of them.
    """
    data = {"train": train, "test": test}
    if "student" in advice.settings:
        data["unlabelled"] = unlabelled
    fields = {
        "name": name,
        "base": base,
        "output": f"dist/{name}",
        "data": {key: value for key, value in data.items() if value is not None},
        **advice.settings,
    }
    reasons = "".join(
        f"# {reason.question} {reason.situation}: {reason.advice}. {reason.because}\n"
        for reason in advice.reasons
    )
    return f"{reasons}\n{tomli_w.dumps(fields)}"
