"""The trials of a study as a queue that several workers take from, so that the study has exactly so many."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import optuna
from optuna.exceptions import DuplicatedStudyError, UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from pocketformer.errors import RecipeError
from pocketformer.search.sampling import SamplerByNumber, pruner
from pocketformer.search.workers import WORKER, Absences

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

    from pocketformer.search.settings import SearchSettings
    from pocketformer.search.space import Dimension, Params

__all__ = ["ROLE", "TRIED_BEFORE", "Queue", "open_study"]

#: Attributes: what a trial that was not drawn stands for, and the numbers of its lost predecessors.
ROLE, TRIED_BEFORE = "role", "tried_before"

_FINGERPRINT = "fingerprint"
_SET_UP_SECONDS = 30.0
_COUNTED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING)
_MOST_LOSSES = 1


def open_study(
    storage: BaseStorage, settings: SearchSettings, inputs: str, first: Mapping[str, Params]
) -> optuna.Study:
    """Return the study of this name, made and given its first trials if it is not there yet.

    Args:
        storage: Where it is kept.
        settings: Of the search.
        inputs: Fingerprint of what its trials depend on.
        first: What is tried first, by role.

    Raises:
        RecipeError: The study is one of other inputs.
    """
    given: dict[str, Any] = {
        "study_name": settings.study,
        "storage": storage,
        "sampler": SamplerByNumber(settings.seed, settings.trials),
        "pruner": pruner(),
    }
    try:
        study = optuna.create_study(direction="maximize", **given)
    except DuplicatedStudyError:
        study = optuna.load_study(**given)
        _wait_for_set_up(study)
    found = study.user_attrs.get(_FINGERPRINT, inputs)
    if found != inputs:
        raise RecipeError(
            f"The study {settings.study!r} in this storage belongs to another base, other data, other "
            "settings or another search space; its trials cannot be compared with yours. Name another "
            "study in [search], or another storage."
        )
    _queue_first(study, first)
    study.set_user_attr(_FINGERPRINT, inputs)  # last: who joins waits for it
    return study


class Queue:
    """A worker's view of the study.

    Args:
        study: With its first trials queued.
        searched: What is searched.
        total: Trials of the whole study: finished, pruned and running ones.
        worker: Who takes from it.
        absences: Knows which running trials are lost.
    """

    def __init__(
        self,
        study: optuna.Study,
        searched: Sequence[Dimension],
        total: int,
        worker: dict[str, Any],
        absences: Absences,
    ) -> None:
        self._study = study
        self._distributions = {dimension.name: dimension.distribution() for dimension in searched}
        self._total = total
        self._worker = worker
        self._absences = absences

    def claim(self) -> optuna.Trial | None:
        """Return a trial to run, a queued one first; None when the study has all it should have."""
        if self._count() >= self._total:
            return None
        trial = self._study.ask(self._distributions)
        trial.set_user_attr(WORKER, self._worker)
        # Two workers may both have seen room for one: numbers are given out one by one, the later goes.
        if self._count(before=trial.number) >= self._total:
            self.give_back(trial)
            return None
        return trial

    def give_back(self, trial: optuna.Trial) -> None:
        """End a trial without a result, and queue what it was to try."""
        frozen = self._frozen(trial.number)
        if self._ended(frozen):
            self._queue_again(frozen, frozen.user_attrs.get(TRIED_BEFORE, []))

    def finish(self, trial: optuna.Trial, value: float | None, attributes: Mapping[str, Any]) -> None:
        """Tell a trial's value, or None that it was pruned.

        Raises:
            UpdateFinishedTrialError: Another worker took it for lost.
        """
        for name, attribute in attributes.items():
            trial.set_user_attr(name, attribute)
        state = TrialState.PRUNED if value is None else TrialState.COMPLETE
        self._study.tell(trial, value, state)

    def fail(self, trial: optuna.Trial) -> None:
        """End a trial without a result."""
        self._ended(self._frozen(trial.number))

    def recover(self) -> list[tuple[int, bool]]:
        """Queue what workers were trying that died, each set of values once more.

        Returns:
            The numbers of the lost trials, and whether their values were queued.
        """
        lost = []
        for trial in self._absences.among(self._in(TrialState.RUNNING)):
            if not self._ended(trial):
                continue  # another worker was first
            before = [*trial.user_attrs.get(TRIED_BEFORE, []), trial.number]
            # Settings that killed two workers, for want of memory perhaps, are not tried on a third.
            again = len(before) <= _MOST_LOSSES
            lost.append((trial.number, again))
            if again:
                self._queue_again(trial, before)
        return lost

    def running_elsewhere(self) -> int:
        """Return how many trials others are running."""
        return sum(trial.user_attrs.get(WORKER) != self._worker for trial in self._in(TrialState.RUNNING))

    def place(self, number: int) -> int:
        """Return which of the study's trials this is, counted from 1."""
        return self._count(before=number) + 1

    def _count(self, before: int | None = None) -> int:
        return sum(before is None or trial.number < before for trial in self._in(*_COUNTED))

    def _in(self, *states: TrialState) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False, states=states)

    def _frozen(self, number: int) -> FrozenTrial:
        return self._study.get_trials(deepcopy=False)[number]

    def _ended(self, trial: FrozenTrial) -> bool:
        """Mark a running trial as failed; False when another worker has done so."""
        try:
            self._study.tell(trial.number, state=TrialState.FAIL)
        except (UpdateFinishedTrialError, ValueError):  # the latter when it had ended before we looked
            return False
        return True

    def _queue_again(self, trial: FrozenTrial, before: list[int]) -> None:
        attributes = {name: trial.user_attrs[name] for name in (ROLE,) if name in trial.user_attrs}
        self._study.enqueue_trial(_tried(trial), {**attributes, TRIED_BEFORE: before})


def _tried(trial: FrozenTrial) -> dict[str, Any]:
    return {**trial.system_attrs.get("fixed_params", {}), **trial.params}


def _queue_first(study: optuna.Study, first: Mapping[str, Params]) -> None:
    """Queue what is tried first, unless it has been; one that failed is queued again."""
    there = {
        trial.user_attrs.get(ROLE)
        for trial in study.get_trials(deepcopy=False)
        if trial.state != TrialState.FAIL
    }
    for role, params in first.items():
        if role not in there:
            study.enqueue_trial(dict(params), {ROLE: role})


def _wait_for_set_up(study: optuna.Study) -> None:
    """Wait until the worker that made the study has queued its first trials, or is taken to have died."""
    end = time.monotonic() + _SET_UP_SECONDS
    while _FINGERPRINT not in study.user_attrs and time.monotonic() < end:
        time.sleep(0.1)
