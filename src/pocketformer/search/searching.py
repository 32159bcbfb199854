"""The search itself: trials are taken from the study, trained, scored and told, until there are enough."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pocketformer import files
from pocketformer.checkpoint import local_directory, quiet_transformers
from pocketformer.errors import RecipeError
from pocketformer.processes import process_count
from pocketformer.search.audience import Audience, Nobody
from pocketformer.search.quiet import quiet_optuna
from pocketformer.search.result import SearchResult, result_of
from pocketformer.search.settings import DEFAULT_SEARCH, SearchSettings
from pocketformer.search.space import Dimension, Params, default_params, dimensions, start_params
from pocketformer.search.storage import JOURNAL, open_storage, without_password
from pocketformer.search.task import Task
from pocketformer.search.workers import Absences, this_worker
from pocketformer.train import DistillSettings, FinetuneSettings
from pocketformer.train.course import check_inputs, learner
from pocketformer.train.defaults import EncoderSize, resolve
from pocketformer.train.settings import DEFAULT_SETTINGS

if TYPE_CHECKING:
    from pocketformer.data import LabeledTexts
    from pocketformer.search.queue import Queue

__all__ = ["RESULT_JSON", "TRIALS_DIRECTORY", "search"]

#: Names in the directory of a search.
RESULT_JSON, TRIALS_DIRECTORY = "search.json", ".trials"

_POLL_SECONDS = 1.0


def search(
    base: str | Path,
    train: LabeledTexts,
    dev: LabeledTexts,
    directory: str | Path,
    settings: SearchSettings = DEFAULT_SEARCH,
    given: FinetuneSettings = DEFAULT_SETTINGS,
    teacher: str | Path | None = None,
    unlabelled: Sequence[str] = (),
    audience: Audience | None = None,
) -> SearchResult:
    """Look for the settings with the highest macro-F1 on the dev texts, and write `search.json`.

    The first trial has the default settings (the second one, where `settings.start_from` names others), so
    what is found is never worse. The study is kept as it grows: a call that was interrupted goes on when it
    is made again, trials of processes that died are run again, and calls with the same storage on other
    machines share its trials. When all trials are done, the call only reports. Checkpoints are not kept.

    Args:
        base: What is trained: as in `finetune`, or the student of `distill`.
        train: Texts to learn from.
        dev: Texts to score by, with the same labels.
        directory: For `search.json`, the journal, and the trials' work.
        settings: Of the search.
        given: Of each training: what is set there is not searched, unless the space names it.
        teacher: Distil from this classifier; `given` are `DistillSettings` then.
        unlabelled: Further texts to distil on.
        audience: Told what happens; None for nobody.

    Raises:
        RecipeError: Settings that cannot be followed, or a study of other inputs.
        MissingExtraError: Optuna is not installed.
        PocketformerError: What ended a trial, or no trial has ended yet.
    """
    directory, audience = Path(directory), audience or Nobody()
    if (teacher is None) == isinstance(given, DistillSettings):
        raise RecipeError("A search over distillations needs a teacher and DistillSettings, others neither.")
    if process_count() > 1:
        raise RecipeError(
            "A search does not run under torchrun or accelerate launch; start the same command several "
            "times with one storage, each of them is a worker."
        )
    task = Task(base, teacher, train, dev, unlabelled, given)
    trials = directory / TRIALS_DIRECTORY
    with quiet_optuna():
        from pocketformer.search.queue import Queue, open_study

        check_inputs(local_directory(base), train, dev, trials / "trial-0")
        searched, first = _plan(task, settings)
        place = settings.storage or str(directory / JOURNAL)
        study = open_study(open_storage(place), settings, task.fingerprint(searched), first)
        worker = this_worker()
        queue = Queue(study, searched, settings.trials, worker, Absences(worker))
        _work(queue, task, trials, settings, audience)
        result = result_of(
            study,
            storage=without_password(place),
            base=str(base),
            teacher=None if teacher is None else str(teacher),
            wanted=settings.trials,
            searched=searched,
            dev_rows=len(dev),
        )
    with suppress(OSError):  # another worker's trial or a teacher's logits are in it
        trials.rmdir()
    files.write_text(directory / RESULT_JSON, result.to_json())
    return result


def _plan(task: Task, settings: SearchSettings) -> tuple[tuple[Dimension, ...], dict[str, Params]]:
    """Return what is searched and what is tried first, by role."""
    with quiet_transformers():
        model, head_is_new, _ = learner(task.base, task.train, task.given)
    resolved, _ = resolve(task.given, EncoderSize.of(model), texts=len(task.train), head_is_new=head_is_new)
    searched = dimensions(settings.space, task.given, resolved, head_is_new=head_is_new)
    defaults = default_params(searched, resolved)
    if settings.start_from is None:
        return searched, {"defaults": defaults}
    return searched, {"start": start_params(searched, settings.start_from, defaults), "defaults": defaults}


def _work(queue: Queue, task: Task, trials: Path, settings: SearchSettings, audience: Audience) -> None:
    """Run trials until the study has enough of them and nobody else is running one, or the time is up."""
    from pocketformer.search.trial import clean, run_trial

    end = time.monotonic() + (settings.seconds or float("inf"))
    waiting = False
    while True:
        for number, again in queue.recover():
            clean(trials / f"trial-{number}")
            then = "its settings are tried again" if again else "the second one with its settings"
            audience.say(f"Trial {number} was lost with its worker, {then}.")
        if trial := queue.claim():
            title = f"trial {queue.place(trial.number)} of {settings.trials}"
            run_trial(queue, trial, task, trials / f"trial-{trial.number}", title, audience)
            waiting = False
        elif others := queue.running_elsewhere():
            if not waiting:
                audience.say(f"Waiting for what runs elsewhere: {others} of {settings.trials} trials.")
            waiting = True
            time.sleep(_POLL_SECONDS)
        else:
            return
        if time.monotonic() > end:
            return
