"""How Optuna chooses settings, and which trials it ends early."""

from __future__ import annotations

from typing import Any

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.pruners import BasePruner, MedianPruner
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import FrozenTrial

__all__ = ["SamplerByNumber", "pruner"]

_LEAST_AT_RANDOM, _MOST_AT_RANDOM = 4, 10
_TRIALS_TO_COMPARE = 3
_FIRST_EPOCH_TO_PRUNE = 2


class SamplerByNumber(BaseSampler):
    """A tree-structured Parzen estimator (Bergstra et al. 2011) whose seed is the trial's number.

    Several workers thus draw different numbers from one seed, and a search that was interrupted draws what
    it would have drawn. The first third of the trials, at most ten, is random. Trials that are running
    count as bad ones, so that workers keep apart.

    Args:
        seed: Of the search.
        trials: Of the whole study.
    """

    def __init__(self, seed: int, trials: int) -> None:
        self._seed = seed
        self._at_random = min(max(trials // 3, _LEAST_AT_RANDOM), _MOST_AT_RANDOM)
        self._inner = self._of_trial(0)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Begin anew for this trial."""
        self._inner = self._of_trial(trial.number)
        self._inner.before_trial(study, trial)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Ask the estimator."""
        return self._inner.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Ask the estimator."""
        return self._inner.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Ask the estimator."""
        return self._inner.sample_independent(study, trial, param_name, param_distribution)

    def _of_trial(self, number: int) -> TPESampler:
        (seed,) = np.random.SeedSequence([self._seed, number]).generate_state(1)
        return TPESampler(
            seed=int(seed), multivariate=True, constant_liar=True, n_startup_trials=self._at_random
        )


def pruner() -> BasePruner:
    """Return what ends a trial whose best epoch is below the median of the others at that epoch.

    The median rule, because studies here have some ten to fifty trials of some ten epochs: the rungs of
    successive halving and Hyperband stay nearly empty at that size, and then decide by two or three trials.
    It starts with the second epoch, when warm-ups are over, and with three trials to compare with.
    """
    return MedianPruner(
        n_startup_trials=_TRIALS_TO_COMPARE,
        n_warmup_steps=_FIRST_EPOCH_TO_PRUNE,
        n_min_trials=_TRIALS_TO_COMPARE,
    )
