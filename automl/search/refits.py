"""Refits: the ensemble's members trained once more on all rows, with the rounds that their folds found."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import product

from automl.lab.policy import Action, Capacity, Stop, Wait
from automl.search.costs import by_formula, predict, seed_for
from automl.trial import Job, Study, Trial

SECONDS = 1.2  # times a fit's seconds: more rows, but no rounds after the best (measured on adult: 0.5 to 0.9)
MORE_ROUNDS = 1.1  # rounds of a refit over those that early stopping found on fewer rows


def seconds_for(study: Study, trial: Trial) -> float:
    """How long a refit will take."""
    alone = by_formula(study, trial.candidate, study.size.rows, 1) / by_formula(
        study, trial.candidate, study.size.rows, study.plan.models
    )
    return SECONDS * alone * predict(study, trial.candidate)


class RefitPolicy:
    """A policy: train members on all rows, and again with other seeds as often as asked; the next is who has the most weight a refit.

    Parameters
    ----------
    weights : mapping
        Of the members, by id.
    copies : int
        Refits of each member; a family that no seed changes has one.
    needed : bool
        Whether little else can answer, so that one refit is tried even if none can be expected to end in time.
    each : bool
        Whether every member has one before any has two.
    """

    def __init__(
        self,
        study: Study,
        weights: Mapping[str, float],
        copies: int = 1,
        needed: bool = True,
        each: bool = False,
    ) -> None:
        self._needed = needed
        self._tried = False
        turns = sorted(
            product(weights, range(copies)),
            key=lambda turn: (each and turn[1] > 0, -weights[turn[0]] / (turn[1] + 1)),
        )
        asked = ((study.trials[name], copy) for name, copy in turns)
        self._missing = [
            (trial, copy)
            for trial, copy in asked
            if (copy, None) not in study.taken(trial)
            and (copy == 0 or study.family(trial.candidate.family).seeded)
        ]

    def next(self, study: Study, capacity: Capacity) -> Action:
        """The next refit that is expected to end in time; the heaviest, come what may, where one is needed and none is."""
        anyway = 0 if self._needed and not self._tried and self._missing else None
        index = next(
            (
                at
                for at, (trial, _) in enumerate(self._missing)
                if seconds_for(study, trial) <= capacity.seconds
            ),
            anyway,
        )
        if index is None:
            return Wait() if study.running else Stop()
        self._tried = True
        return _job(study, *self._missing.pop(index), capacity)


def _job(study: Study, trial: Trial, copy: int, capacity: Capacity) -> Job:
    found = [
        outcome.rounds for key, outcome in trial.whole.items() if trial.jobs[key].fold is not None
    ]
    rounds = [count for count in found if count]
    n_rounds = math.ceil(MORE_ROUNDS * sum(rounds) / len(rounds)) if rounds else None
    seed = seed_for(study.seed, trial.candidate, copy, None)
    return Job(
        trial.candidate,
        study.data,
        copy,
        None,
        seed=seed,
        rounds=n_rounds,
        threads=capacity.threads,
        seconds=capacity.seconds,
    )
