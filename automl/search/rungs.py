"""Rungs: a proposal is judged on little first, and whoever is not among the best there goes no further.

Successive halving (Jamieson and Talwalkar, 2016) in its asynchronous form, in which nobody waits for a rung to be full (Li et al., 2020);
Hyperband (Li et al., 2018) has some proposals begin on higher rungs, in case that the lowest one misjudges them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from automl.lab.policy import Capacity
from automl.search.racing import RaceRules
from automl.trial import Candidate, Job, Study, Trial

Fidelity = Literal["folds", "rows", "rounds"]

KEPT = 3  # one in so many goes on to the next rung
FEWEST_ROWS = 500  # that tell something
FEWEST_ROUNDS = 10


@dataclass(frozen=True)
class Rung:
    """What a proposal is judged on.

    Parameters
    ----------
    folds : int
        So many of the first folds; one where `rows` is given.
    rows : int or None
        Training rows of the first fold.
    rounds : int or None
    """

    folds: int
    rows: int | None = None
    rounds: int | None = None


@dataclass(frozen=True)
class Ladder:
    """The rungs, lowest first, and how proposals climb them.

    Parameters
    ----------
    rungs : tuple of Rung
        The last one is every fold with all rows.
    brackets : int
        How many of the lowest rungs proposals begin on in turn: 1 is successive halving, more is Hyperband.
    """

    rungs: tuple[Rung, ...]
    brackets: int = 1

    def first(self, nth: int) -> int:
        """The rung on which the nth proposal begins: on each rung as much work as on any other, so the lower the more often."""
        turns = [
            rung for rung in range(self.brackets) for _ in range(KEPT ** (self.brackets - 1 - rung))
        ]
        return turns[nth % len(turns)]

    def job(
        self, study: Study, race: RaceRules, candidate: Candidate, rung: int, capacity: Capacity
    ) -> Job | None:
        """The next fit that a rung asks of a candidate; None if all are made or under way."""
        asked = self.rungs[rung]
        splits = study.plan.splits[: asked.folds]
        trial = study.trials.get(candidate.id)
        if asked.rows is None:
            taken = study.taken(trial) if trial else set()
            split = next((split for split in splits if split not in taken), None)
            return None if split is None else race.job(study, candidate, split, capacity)
        job = replace(
            race.job(study, candidate, splits[0], capacity), rows=asked.rows, rounds=asked.rounds
        )
        return None if trial and _is_made(study, trial, job.key) else job

    def begun(self, trial: Trial) -> int:
        """The lowest rung that a trial was on."""
        looks = [
            rung
            for rung, asked in enumerate(self.rungs)
            if any(_is_of(job, asked) for job in trial.jobs.values() if job.rows is not None)
        ]
        return min(looks, default=0)

    def result(self, study: Study, trial: Trial, rung: int) -> float | None:
        """A trial's loss on a rung, if it has been through it."""
        asked = self.rungs[rung]
        if asked.rows is not None:
            looks = (
                trial.outcomes[key].loss
                for key, job in trial.jobs.items()
                if key in trial.outcomes and _is_of(job, asked)
            )
            return next((loss for loss in looks if loss is not None), None)
        losses = [
            trial.losses[split]
            for split in study.plan.splits[: asked.folds]
            if split in trial.losses
        ]
        return math.fsum(losses) / asked.folds if len(losses) == asked.folds else None

    def passes(self, study: Study, trial: Trial, rung: int, peers: Sequence[Trial]) -> bool:
        """Whether a trial that has been through a rung is among the best third of all that have."""
        own = self.result(study, trial, rung)
        if own is None:
            return False
        found = [loss for peer in peers if (loss := self.result(study, peer, rung)) is not None]
        return sum(loss < own for loss in found) < max(1, len(found) // KEPT)


def _is_made(study: Study, trial: Trial, key: str) -> bool:
    """Whether a fit is under way or has ended; one that was cut by a run's end is tried again."""
    outcome = trial.outcomes.get(key)
    return key in study.running or (outcome is not None and outcome.status != "cut")


def _is_of(job: Job, asked: Rung) -> bool:
    return (job.rows, job.rounds) == (asked.rows, asked.rounds)


def ladder(study: Study, fidelity: Fidelity, rounds: int | None, brackets: bool) -> Ladder:
    """The rungs for a study.

    Parameters
    ----------
    fidelity : {"folds", "rows", "rounds"}
        What there is less of on lower rungs: folds (rows where there is one fold alone), rows, or rounds of those families that have any.
    rounds : int or None
        Rounds that the family's best trial took; None if it has none.
    brackets : bool
        Whether proposals begin on higher rungs, too.
    """
    n_splits = len(study.plan.splits)
    if fidelity == "folds" and n_splits > 1:
        lower = [
            Rung(folds)
            for folds in sorted({max(1, n_splits // KEPT**power) for power in (1, 2)})
            if folds < n_splits
        ]
    elif fidelity == "rounds" and rounds is not None:
        lower = [
            Rung(1, study.size.rows, part)
            for part in (rounds // KEPT**2, rounds // KEPT)
            if part >= FEWEST_ROUNDS
        ]
    else:
        lower = [
            Rung(1, part)
            for part in (study.size.rows // KEPT**2, study.size.rows // KEPT)
            if part >= FEWEST_ROWS
        ]
    rungs = (*lower, Rung(n_splits))
    return Ladder(rungs, len(rungs) if brackets else 1)
