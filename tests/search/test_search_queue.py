"""Workers that share a study: exactly so many trials, and no set of values is lost or run twice."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from optuna import Study
from optuna.trial import TrialState

from pocketformer.errors import RecipeError
from pocketformer.search import SearchSettings
from pocketformer.search.queue import ROLE, TRIED_BEFORE, Queue, open_study
from pocketformer.search.quiet import quiet_optuna
from pocketformer.search.space import Interval
from pocketformer.search.storage import open_storage, without_password
from pocketformer.search.workers import WORKER, Absences, heartbeat, this_worker

SEARCHED = (Interval("x", 0.0, 1.0),)
FIRST = {"start": {"x": 0.9}, "defaults": {"x": 0.5}}


def worker_of(place: str, trials: int, grace_seconds: float = 60.0) -> tuple[Study, Queue]:
    settings = SearchSettings(trials=trials)
    study = open_study(open_storage(place), settings, "inputs", FIRST)
    worker = this_worker()
    return study, Queue(study, SEARCHED, trials, worker, Absences(worker, grace_seconds))


def run_all(queue: Queue) -> int:
    done = 0
    while trial := queue.claim():
        queue.finish(trial, trial.params["x"], {})
        done += 1
    return done


@pytest.fixture(autouse=True)
def _quiet() -> object:
    with quiet_optuna():
        yield


@pytest.fixture
def journal(tmp_path: Path) -> str:
    return str(tmp_path / "a" / "study.journal")


@pytest.fixture
def dead_process() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def test_workers_at_the_same_time_run_exactly_so_many_and_the_first_ones_once(journal: str) -> None:
    total = 23
    worker_of(journal, total)
    with ThreadPoolExecutor(4) as pool:
        done = sum(pool.map(lambda _: run_all(worker_of(journal, total)[1]), range(4)))
    study, queue = worker_of(journal, total)
    assert done == total
    complete = study.get_trials(states=[TrialState.COMPLETE])
    assert len(complete) == total
    assert Counter(trial.user_attrs.get(ROLE) for trial in complete) == {
        "start": 1, "defaults": 1, None: total - 2,
    }  # fmt: skip
    assert len({trial.params["x"] for trial in complete}) == total
    assert queue.claim() is None


def test_a_database_works_as_well_as_a_journal(tmp_path: Path) -> None:
    _, queue = worker_of(f"sqlite:///{tmp_path}/study.db", 5)
    assert run_all(queue) == 5


def test_more_trials_can_be_asked_for_later(journal: str) -> None:
    assert run_all(worker_of(journal, 3)[1]) == 3
    assert run_all(worker_of(journal, 3)[1]) == 0
    assert run_all(worker_of(journal, 5)[1]) == 2


def test_two_who_both_see_room_for_one_run_one(journal: str, monkeypatch: pytest.MonkeyPatch) -> None:
    study, one = worker_of(journal, 3)
    _, two = worker_of(journal, 3)
    one.claim()
    one.claim()
    real, late = study.ask, []

    def ask(distributions: object) -> object:
        late.append(two.claim())  # the other one is a moment quicker
        return real(distributions)

    monkeypatch.setattr(study, "ask", ask)
    assert one.claim() is None
    assert late[0] is not None
    assert len(study.get_trials(states=[TrialState.RUNNING])) == 3


def test_trials_of_a_dead_process_are_tried_once_more_and_not_twice(journal: str, dead_process: int) -> None:
    study, queue = worker_of(journal, 4)
    for expected in ([(0, True)], [(3, False)]):
        lost = queue.claim()
        assert lost is not None
        assert lost.params["x"] == 0.9
        lost.set_user_attr(WORKER, {**this_worker(), "process": dead_process})
        if expected[0][1]:
            defaults, drawn = queue.claim(), queue.claim()
            assert defaults is not None
            assert drawn is not None
        assert queue.recover() == expected
        assert queue.recover() == []
    assert study.get_trials(states=[TrialState.WAITING]) == []


def test_two_who_find_the_same_dead_worker_queue_its_trial_once(journal: str, dead_process: int) -> None:
    study, one = worker_of(journal, 4)
    _, two = worker_of(journal, 4)
    lost = one.claim()
    assert lost is not None
    lost.set_user_attr(WORKER, {**this_worker(), "process": dead_process})
    assert [len(one.recover()), len(two.recover())] == [1, 0]
    again = [trial for trial in study.get_trials() if trial.user_attrs.get(TRIED_BEFORE)]
    assert [trial.user_attrs[TRIED_BEFORE] for trial in again] == [[0]]


def test_a_worker_of_another_machine_is_lost_when_its_heart_stands_still(journal: str) -> None:
    _, queue = worker_of(journal, 4, grace_seconds=0.15)
    trial = queue.claim()
    assert trial is not None
    trial.set_user_attr(WORKER, {"host": "elsewhere", "process": 1, "mark": "other"})
    with heartbeat(trial, seconds=0.02):
        for _ in range(10):
            assert queue.recover() == []
            subprocess.run([sys.executable, "-S", "-c", "import time; time.sleep(0.02)"], check=True)
    assert queue.running_elsewhere() == 1
    while not (lost := queue.recover()):
        pass
    assert lost == [(0, True)]


def test_what_a_person_interrupts_is_queued_again_as_often_as_it_takes(journal: str) -> None:
    _, queue = worker_of(journal, 2)
    for _ in range(3):
        trial = queue.claim()
        assert trial is not None
        queue.give_back(trial)
    values = []
    while trial := queue.claim():
        values.append(trial.params["x"])
        queue.finish(trial, 0.0, {})
    assert sorted(values) == [0.5, 0.9]


def test_a_study_of_other_inputs_is_refused(journal: str) -> None:
    worker_of(journal, 3)
    with pytest.raises(RecipeError, match="belongs to another base, other data"):
        open_study(open_storage(journal), SearchSettings(trials=3), "others", FIRST)


def test_one_seed_draws_the_same_and_does_not_mind_an_interruption(tmp_path: Path) -> None:
    def values(name: str, *parts: int) -> list[float]:
        for part in parts:
            study, queue = worker_of(str(tmp_path / name), part)
            run_all(queue)
        return [trial.params["x"] for trial in study.get_trials()]

    assert values("a", 12) == values("b", 5, 12)


def test_a_storage_that_cannot_be_opened_is_a_sentence_without_the_password() -> None:
    with pytest.raises(RecipeError, match="cannot be opened") as caught:
        open_storage("nothing://me:secret@host/study")
    assert "secret" not in str(caught.value)
    assert without_password("postgresql://me:s@h/db") == "postgresql://me:***@h/db"
    assert json.dumps(without_password("a/b.journal")) == '"a/b.journal"'
