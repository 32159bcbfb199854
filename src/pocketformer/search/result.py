"""What a search found, read out of its study."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from pocketformer.errors import PocketformerError
from pocketformer.search.space import rounded

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

    from pocketformer.search.space import Dimension

__all__ = ["SearchResult", "SearchedSetting", "TrialRecord", "result_of"]

_PER_CENT = 100


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """One trial that came to an end.

    Attributes:
        number: Counted from 0; numbers of lost and failed trials are missing.
        state: Whether it ran to its end, or was pruned for being worse than the median.
        role: "defaults", "start" for the starting point, or None for one that was drawn.
        params: The searched values, as they were used.
        values: Macro-F1 on the dev texts after each epoch.
        value: That of the epoch that was kept; the highest one of a pruned trial.
        accuracy: On the dev texts, of that epoch.
        seconds: Wall time.
        settings: What to train with to get there; settings that were neither given nor searched are left out.
    """

    number: int
    state: Literal["complete", "pruned"]
    role: str | None
    params: dict[str, float | int | str]
    values: tuple[float, ...]
    value: float
    accuracy: float
    seconds: float
    settings: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SearchedSetting:
    """One setting that was searched.

    Attributes:
        name: As in the search space.
        values: What it could be, in words.
        logarithmic: Whether it was drawn by orders of magnitude.
    """

    name: str
    values: str
    logarithmic: bool


@dataclass(frozen=True, slots=True)
class SearchResult:
    """All trials of a study, and the best of them.

    Attributes:
        study: Its name.
        storage: Where it is kept, without a password.
        base: What was trained.
        teacher: What it was distilled from, if it was.
        wanted: How many trials the study should have.
        elsewhere: Trials that other workers were still running.
        searched: The settings that were searched.
        trials: Those that ended, by number.
        best: The one with the highest macro-F1, the earliest among equals.
        first: The starting point, or else the defaults.
        gain: How much higher the best one's macro-F1 is than the first one's.
        notes: What is worth knowing, in sentences.
    """

    study: str
    storage: str
    base: str
    teacher: str | None
    wanted: int
    elsewhere: int
    searched: tuple[SearchedSetting, ...]
    trials: tuple[TrialRecord, ...]
    best: TrialRecord
    first: TrialRecord | None
    gain: float | None
    notes: tuple[str, ...]

    def to_json(self) -> str:
        """Return the result as indented JSON."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"


def result_of(
    study: Study,
    *,
    storage: str,
    base: str,
    teacher: str | None,
    wanted: int,
    searched: Sequence[Dimension],
    dev_rows: int,
) -> SearchResult:
    """Read the trials of a study.

    Raises:
        PocketformerError: None has run to its end yet.
    """
    from optuna.trial import TrialState

    frozen = study.get_trials(deepcopy=False)
    records = tuple(
        _record(trial) for trial in frozen if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)
    )
    complete = [record for record in records if record.state == "complete"]
    elsewhere = sum(trial.state == TrialState.RUNNING for trial in frozen)
    if not complete:
        raise PocketformerError(
            f"No trial of the study has ended yet (running elsewhere: {elsewhere}). Run the same command "
            "again later, or give it more time."
        )
    best = max(complete, key=lambda record: (record.value, -record.number))
    roles = {record.role: record for record in complete}
    first = roles.get("start") or roles.get("defaults")
    return SearchResult(
        study=study.study_name,
        storage=storage,
        base=base,
        teacher=teacher,
        wanted=wanted,
        elsewhere=elsewhere,
        searched=tuple(
            SearchedSetting(dimension.name, str(dimension), dimension.logarithmic) for dimension in searched
        ),
        trials=records,
        best=best,
        first=first,
        gain=None if first is None else best.value - first.value,
        notes=_notes(records, best, wanted, elsewhere, dev_rows),
    )


def _record(trial: FrozenTrial) -> TrialRecord:
    from optuna.trial import TrialState

    values = tuple(trial.intermediate_values[step] for step in sorted(trial.intermediate_values))
    attributes = trial.user_attrs
    return TrialRecord(
        number=trial.number,
        state="complete" if trial.state == TrialState.COMPLETE else "pruned",
        role=attributes.get("role"),
        params={name: rounded(value) for name, value in trial.params.items()},
        values=values,
        value=attributes["macro_f1"],
        accuracy=attributes["accuracy"],
        seconds=attributes["seconds"],
        settings=attributes["settings"],
    )


def _notes(
    records: tuple[TrialRecord, ...], best: TrialRecord, wanted: int, elsewhere: int, dev_rows: int
) -> tuple[str, ...]:
    pruned = [record for record in records if record.state == "pruned"]
    notes = [
        f"Trial {best.number} is the best of {len(records)}, by macro-F1 on the {dev_rows:,} dev rows. The "
        "best of many looks better on the rows it was chosen by than on others: the test rows tell."
    ]
    error = math.sqrt(best.accuracy * (1 - best.accuracy) / dev_rows) * _PER_CENT
    notes.append(
        f"One standard error of an accuracy on so many rows is {error:.2f} points; smaller differences "
        "between trials may be chance."
    )
    if pruned:
        notes.append(
            f"Pruned for being below the median of the others: {len(pruned)} of {len(records)}, after "
            f"{sum(len(record.values) for record in pruned)} epochs together."
        )
    if len(records) + elsewhere < wanted:
        notes.append(f"{len(records)} of {wanted} trials were run; the same command goes on with the rest.")
    if elsewhere:
        notes.append(f"Still running elsewhere: {elsewhere}.")
    return tuple(notes)
