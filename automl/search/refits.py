"""Refits: the ensemble's members trained once more on all rows, with the rounds of their folds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import product

from automl.candidate import Job
from automl.lab.policy import Action, Capacity, Stop, Wait
from automl.model_costs import REFIT_ROUNDS_FACTOR
from automl.search.costs import expected_seconds, formula_seconds, seed_for
from automl.study import Study
from automl.trial import Trial

# Seconds of a refit over those of a fit: there are more rows, but no rounds after the best one
# (measured on adult: 0.5 to 0.9).
REFIT_SECONDS_FACTOR = 1.2


def refit_seconds(study: Study, trial: Trial) -> float:
    """Return the expected seconds of a refit: those of earlier ones, or by its fits."""
    taken = [outcome.seconds for outcome in trial.refit_outcomes]
    if taken:
        return sum(taken) / len(taken)
    candidate = trial.candidate
    rows = study.size.rows
    alone = formula_seconds(study, candidate, rows, 1)
    in_bag = formula_seconds(study, candidate, rows, study.plan.models)
    ratio = alone / in_bag
    return REFIT_SECONDS_FACTOR * ratio * expected_seconds(study, candidate)


class RefitPolicy:
    """A policy that trains members on all rows, several times with different seeds.

    The member with the most weight for each of its refits comes next.

    Parameters
    ----------
    weights : mapping
        Of the members, by id.
    copies : int
        Refits of each member; a family that no seed changes has one.
    needed : bool
        Whether there are few other models, so that one refit is tried even if none is expected
        to end in time.
    one_each_first : bool
        Whether every member is refitted once before any is refitted twice.
    """

    def __init__(
        self,
        study: Study,
        weights: Mapping[str, float],
        copies: int = 1,
        needed: bool = True,
        one_each_first: bool = False,
    ) -> None:
        self._needed = needed
        self._tried = False
        self._missing: list[tuple[Trial, int]] = []

        def urgency(refit: tuple[str, int]) -> tuple[bool, float]:
            name, copy = refit
            is_later = one_each_first and copy > 0
            weight = weights[name]
            return is_later, -weight / (copy + 1)

        refits = product(weights, range(copies))
        for name, copy in sorted(refits, key=urgency):
            trial = study.trials[name]
            family = study.family(trial.candidate.family)
            if copy > 0 and not family.seeded:
                continue
            if (copy, None) not in study.started_splits(trial):
                self._missing.append((trial, copy))

    def next(self, study: Study, capacity: Capacity) -> Action:
        """Return the next refit that is expected to end in time.

        The heaviest member's is tried in any case where one is needed and none is expected to.
        """
        index = self._affordable(study, capacity)
        if index is None:
            if study.running:
                return Wait()
            return Stop()
        self._tried = True
        trial, copy = self._missing.pop(index)
        return _job(study, trial, copy, capacity)

    def _affordable(self, study: Study, capacity: Capacity) -> int | None:
        """Return the index of the next refit among the missing ones."""
        for index, (trial, _) in enumerate(self._missing):
            if refit_seconds(study, trial) <= capacity.seconds:
                return index
        if self._needed and not self._tried and self._missing:
            return 0
        return None


def _job(study: Study, trial: Trial, copy: int, capacity: Capacity) -> Job:
    """Return the job of a refit, with the candidate's rounds or a little more than the folds'."""
    rounds = trial.fold_rounds
    n_rounds = trial.candidate.rounds
    if rounds and n_rounds is None:
        n_rounds = math.ceil(REFIT_ROUNDS_FACTOR * sum(rounds) / len(rounds))
    seed = seed_for(study.seed, trial.candidate, copy, None)
    return Job(
        trial.candidate,
        study.data,
        copy,
        None,
        seed=seed,
        rounds=n_rounds,
        resources=capacity.resources,
        seconds=capacity.seconds,
    )
