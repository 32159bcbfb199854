"""A search over real trainings of a tiny encoder: it finds better settings, and can be interrupted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from pocketformer.data import LabeledTexts
from pocketformer.errors import PocketformerError, RecipeError
from pocketformer.search import SearchResult, SearchSettings, SearchSpace, StartingPoint, search
from pocketformer.train import DistillSettings, FinetuneSettings, finetune
from tiny import tiny_checkpoint, tiny_classifier

LABELS = ("card", "money")
GIVEN = FinetuneSettings(  # where the first trial but one begins, as the space names both
    learning_rate=5e-3,
    epochs=4,
    max_length=32,
    batch_size=4,
    warmup_ratio=0.1,
    dropout=0.0,
    head="linear",
    pooling="mean",
)
SPACE = SearchSpace(epochs=(1, 4), learning_rate=(1e-6, 2e-2))
BAD = StartingPoint(learning_rate=1e-6, epochs=1)


def examples(count: int = 8) -> LabeledTexts:
    texts = tuple(f"where is my {word} {number}" for number in range(count) for word in LABELS)
    return LabeledTexts(texts, np.array([0, 1] * count, dtype=np.int64), LABELS, False)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tiny_checkpoint(tmp_path / "base")


class Listener:
    """Keeps what it is told; `at_stage` may stop the search."""

    def __init__(self, at_stage: Callable[[str], None] = lambda title: None) -> None:
        self.titles: list[str] = []
        self.said: list[str] = []
        self._at_stage = at_stage

    @contextmanager
    def stage(self, title: str) -> Iterator[Callable[[float, str], None]]:
        self.titles.append(title)
        yield lambda fraction, message: self._at_stage(title)

    def say(self, sentence: str) -> None:
        self.said.append(sentence)


def searched(base: Path, trials: int, listener: Listener | None = None, **settings: object) -> SearchResult:
    chosen = SearchSettings.model_validate({"trials": trials, "space": SPACE, "start_from": BAD, **settings})
    return search(base, examples(), examples(), base.parent / "out", chosen, GIVEN, audience=listener)


def test_finds_better_settings_than_bad_ones_and_they_give_what_it_says(
    base: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    listener = Listener()
    result = searched(base, 6, listener)
    assert capfd.readouterr().out == ""
    assert result.first is not None
    assert result.first.params["learning_rate"] == 1e-6
    assert result.gain == result.best.value - result.first.value
    assert result.gain > 0.2
    assert [trial.number for trial in result.trials] == list(range(6))
    assert [trial.role for trial in result.trials[:3]] == ["start", "defaults", None]
    assert listener.titles == [f"trial {number} of 6" for number in range(1, 7)]
    best = FinetuneSettings.model_validate(result.best.settings)
    again = finetune(base, examples(), examples(), base.parent / "again", best)
    assert (again.macro_f1, again.accuracy) == (result.best.value, result.best.accuracy)
    assert tuple(epoch.macro_f1 for epoch in again.epochs) == result.best.values
    out = base.parent / "out"
    assert sorted(path.name for path in out.iterdir()) == ["search.journal", "search.json"]
    assert json.loads((out / "search.json").read_text()) == json.loads(result.to_json())


def test_the_same_command_again_only_reports_and_more_trials_go_on(base: Path) -> None:
    first = searched(base, 3)
    listener = Listener()
    assert searched(base, 3, listener) == first
    assert (listener.titles, listener.said) == ([], [])
    assert len(searched(base, 4, listener).trials) == 4
    assert listener.titles == ["trial 4 of 4"]


def test_a_pruned_trial_leaves_no_folder_and_the_first_ones_are_never_pruned(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Every trial that may be pruned is: which ones the median rule picks is Optuna's business.
    monkeypatch.setattr("optuna.pruners.MedianPruner.prune", lambda *_: True)
    result = searched(base, 4, space=SearchSpace(epochs=(3, 4), learning_rate=(1e-6, 1e-2)), start_from=None)
    assert [trial.state for trial in result.trials] == ["complete", "pruned", "pruned", "pruned"]
    assert [len(trial.values) for trial in result.trials[1:]] == [1, 1, 1]
    assert result.best.role == "defaults"
    assert not (base.parent / "out" / ".trials").exists()
    assert any("below the median" in note for note in result.notes)


def test_an_interrupted_trial_is_run_again(base: Path) -> None:
    def interrupt(title: str) -> None:
        if title == "trial 2 of 3":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        searched(base, 3, Listener(interrupt))
    assert not list((base.parent / "out" / ".trials").iterdir())
    result = searched(base, 3)
    assert sorted(str(trial.role) for trial in result.trials) == ["None", "defaults", "start"]


def test_an_error_in_a_trial_ends_the_search_with_its_sentence(base: Path) -> None:
    with pytest.raises(RecipeError, match="max_length is 100, but this encoder takes at most 64"):
        search(
            base, examples(), examples(), base.parent / "out", given=FinetuneSettings(max_length=100)
        )  # fmt: skip
    with pytest.raises(PocketformerError, match="belongs to another base, other data"):
        searched(base, 2)


def test_time_that_is_up_ends_it_after_a_trial(base: Path) -> None:
    result = searched(base, 50, seconds=0.01)
    assert len(result.trials) == 1
    assert any("1 of 50 trials were run" in note for note in result.notes)


def test_a_search_over_distillations_needs_its_teacher(base: Path, tmp_path: Path) -> None:
    teacher = tiny_classifier(tmp_path / "teacher", LABELS)
    given = DistillSettings(max_length=32, epochs=1, batch_size=8)
    settings = SearchSettings(trials=2)
    out = tmp_path / "out"
    with pytest.raises(RecipeError, match="needs a teacher and DistillSettings"):
        search(base, examples(), examples(), out, settings, given)
    result = search(base, examples(), examples(), out, settings, given, teacher=teacher)
    assert {"temperature", "soft_weight"} <= set(result.best.params)
    assert result.teacher == str(teacher)
