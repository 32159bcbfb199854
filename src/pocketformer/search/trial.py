"""One trial: trained, scored after every epoch, ended early where it is no good, and told to the study."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import optuna
from optuna.exceptions import UpdateFinishedTrialError

from pocketformer import files
from pocketformer.search.queue import ROLE
from pocketformer.search.space import settings_of
from pocketformer.search.workers import heartbeat
from pocketformer.train.result import EpochScore, best_of

if TYPE_CHECKING:
    from pocketformer.search.audience import Audience
    from pocketformer.search.queue import Queue
    from pocketformer.search.task import Task
    from pocketformer.train import FinetuneSettings

__all__ = ["clean", "run_trial"]


def run_trial(
    queue: Queue, trial: optuna.Trial, task: Task, directory: Path, title: str, audience: Audience
) -> None:
    """Train with a trial's settings and tell the study; what it wrote is deleted whatever happens.

    What goes wrong in a trial ends the search. One that the person interrupted is queued again.

    Args:
        queue: Where the trial was taken from.
        trial: With all its values chosen.
        task: What is trained.
        directory: For the checkpoint.
        title: Of the stage that the audience sees.
        audience: Told how it goes.
    """
    started = time.monotonic()
    clean(directory)
    try:
        settings = settings_of(trial.params, task.given)
        with audience.stage(title) as on_progress, heartbeat(trial):
            kept, epochs, pruned = _train(trial, task, settings, directory, on_progress)
        attributes = {
            "macro_f1": kept.macro_f1,
            "accuracy": kept.accuracy,
            "seconds": round(time.monotonic() - started, 1),
            "settings": settings.model_dump(mode="json", exclude_unset=True),
        }
        queue.finish(trial, None if pruned else kept.macro_f1, attributes)
    except UpdateFinishedTrialError:
        audience.say(f"Trial {trial.number} was taken for lost by another worker and does not count.")
    except KeyboardInterrupt:
        queue.give_back(trial)
        raise
    except BaseException:
        queue.fail(trial)
        raise
    else:
        end = f"pruned after epoch {epochs}" if pruned else f"epoch {kept.epoch} of {epochs}"
        audience.say(f"Trial {trial.number}: macro-F1 {kept.macro_f1:.2%} on dev, {end}.")
    finally:
        clean(directory)


def clean(directory: Path) -> None:
    """Delete a trial's checkpoint, and the hidden work beside it."""
    files.remove(directory)
    for hidden in directory.parent.glob(f".{directory.name}.*"):
        files.remove(hidden)


def _train(
    trial: optuna.Trial,
    task: Task,
    settings: FinetuneSettings,
    directory: Path,
    on_progress: Callable[[float, str], None],
) -> tuple[EpochScore, int, bool]:
    """Return the scores of the epoch that counts, how many there were, and whether the pruner ended it.

    What was queued first is never pruned: the others are compared with it.
    """
    scores: list[EpochScore] = []
    never = ROLE in trial.user_attrs

    def on_epoch(score: EpochScore) -> None:
        scores.append(score)
        trial.report(score.macro_f1, score.epoch)
        if not never and score.epoch != settings.epochs and trial.should_prune():
            raise optuna.TrialPruned

    try:
        result = task.run(settings, directory, on_progress, on_epoch)
    except optuna.TrialPruned:
        return best_of(scores), len(scores), True
    return result.epochs[result.best_epoch - 1], len(scores), False
