"""Rungs: a proposal is judged on little first, and only the best ones continue.

Successive halving (Jamieson and Talwalkar, 2016) in its asynchronous form, in which no proposal
waits for a rung to be full (Li et al., 2020), in the variant that stops: a proposal that is not
among the best part when it has finished a rung is dropped for good. Hyperband (Li et al., 2018)
has some proposals begin on higher rungs, in case the lowest one misjudges them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from automl.candidate import Candidate, Job
from automl.lab.policy import Capacity
from automl.search.racing import RaceRules
from automl.study import Study
from automl.trial import Trial

Fidelity = Literal["folds", "rows", "rounds"]

REDUCTION_FACTOR = 3
MIN_RUNG_ROWS = 500
MIN_RUNG_ROUNDS = 10


@dataclass(frozen=True)
class Rung:
    """The folds, rows and rounds that a proposal is judged on.

    Parameters
    ----------
    folds : int
        The number of first folds.
    rows : int or None
        Training rows of each of these folds; None on rungs of whole fits.
    rounds : int or None
    """

    folds: int
    rows: int | None = None
    rounds: int | None = None

    @property
    def whole_folds(self) -> int:
        """Number of folds that it trains whole."""
        return self.folds if self.rows is None else 0


@dataclass(frozen=True)
class Ladder:
    """The rungs, lowest first, and how proposals climb them.

    Parameters
    ----------
    rungs : tuple of Rung
        The last one is every fold with all rows.
    brackets : int
        The number of lowest rungs on which proposals begin: 1 is successive halving, more is
        Hyperband.
    reduction : int
        One in this many is promoted to the next rung.
    """

    rungs: tuple[Rung, ...]
    brackets: int = 1
    reduction: int = REDUCTION_FACTOR

    @property
    def promoted_part(self) -> str:
        """The part of the proposals that is promoted, in words."""
        return "half" if self.reduction == 2 else "third"

    def first_rung(self, number: int) -> int:
        """Return the rung on which a proposal begins, by its number.

        Each rung has as much work as any other, so proposals begin on lower ones more often.
        """
        cycle = []
        for rung in range(self.brackets):
            count = self.reduction ** (self.brackets - 1 - rung)
            cycle.extend([rung] * count)
        return cycle[number % len(cycle)]

    def next_job(
        self,
        study: Study,
        race: RaceRules,
        candidate: Candidate,
        rung: int,
        capacity: Capacity,
    ) -> Job | None:
        """Return a candidate's next fit on a rung; None if all are made or under way."""
        target = self.rungs[rung]
        splits = study.plan.splits[: target.folds]
        trial = study.trials.get(candidate.id)
        if target.rows is not None:
            for split in splits:
                job = race.job(study, candidate, split, capacity)
                job = replace(
                    job,
                    rows=target.rows,
                    rounds=target.rounds,
                )
                if not _is_done_or_running(study, trial, job.key):
                    return job
            return None
        taken = study.started_splits(trial) if trial else set()
        for split in splits:
            if split not in taken:
                return race.job(study, candidate, split, capacity)
        return None

    def reached_rung(self, trial: Trial) -> int:
        """Return the highest rung that a trial was on."""
        splits = {job.split for job in trial.jobs.values() if job.rows is None}
        reached = 0
        for index, rung in enumerate(self.rungs):
            if rung.rows is not None:
                was_there = any(_is_of(job, rung) for job in trial.jobs.values())
            else:
                lower = self.rungs[index - 1].whole_folds if index else 0
                was_there = len(splits) > lower
            if was_there:
                reached = index
        return reached

    def result(self, study: Study, trial: Trial, rung: int) -> float | None:
        """Return a trial's mean loss on a rung, if it has been through it."""
        target = self.rungs[rung]
        known = trial.losses
        if target.rows is not None:
            size = (target.rows, target.rounds)
            known = trial.rung_losses.get(size, {})
        losses = []
        for split in study.plan.splits[: target.folds]:
            if split not in known:
                return None
            losses.append(known[split])
        return math.fsum(losses) / len(losses)

    def is_promoted(
        self,
        study: Study,
        trial: Trial,
        rung: int,
        peers: Sequence[Trial],
    ) -> bool:
        """Whether a trial is among the best of all that have been through a rung."""
        own = self.result(study, trial, rung)
        if own is None:
            return False
        n_peers = 0
        n_better = 0
        for peer in peers:
            loss = self.result(study, peer, rung)
            if loss is None:
                continue
            n_peers += 1
            if loss < own:
                n_better += 1
        n_promoted = max(1, n_peers // self.reduction)
        return n_better < n_promoted


def _is_done_or_running(study: Study, trial: Trial | None, key: str) -> bool:
    """Whether a fit need not be made; one that the end of a run cancelled is tried again."""
    if key in study.running:
        return True
    if trial is None:
        return False
    outcome = trial.outcomes.get(key)
    return outcome is not None and outcome.status != "cancelled"


def _is_of(job: Job, rung: Rung) -> bool:
    return job.rows == rung.rows and job.rounds == rung.rounds


def ladder(study: Study, fidelity: Fidelity, rounds: int | None, brackets: bool) -> Ladder:
    """Return the rungs for a study.

    Parameters
    ----------
    fidelity : {"folds", "rows", "rounds"}
        Of which lower rungs have less: folds (rows where there is only one fold), rows, or rounds
        of those families that have any.
    rounds : int or None
        Rounds that the family's best trial took; None if it has none.
    brackets : bool
        Whether proposals begin on higher rungs, too.
    """
    n_splits = len(study.plan.splits)
    n_rows = study.size.rows
    if fidelity == "folds" and n_splits > 1:
        parts = {max(1, part) for part in _parts(n_splits)}
        lower = [Rung(part) for part in sorted(parts) if part < n_splits]
    elif fidelity == "rounds" and rounds is not None:
        parts = _parts(rounds)
        lower = [Rung(1, n_rows, part) for part in sorted(parts) if part >= MIN_RUNG_ROUNDS]
    else:
        parts = _parts(n_rows)
        lower = [Rung(1, part) for part in sorted(parts) if part >= MIN_RUNG_ROWS]
    rungs = (*lower, Rung(n_splits))
    if not brackets:
        return Ladder(rungs)
    return Ladder(rungs, len(rungs))


def _parts(whole: int) -> set[int]:
    """Return the amounts of the two lower rungs."""
    third = whole // REDUCTION_FACTOR
    ninth = whole // REDUCTION_FACTOR**2
    return {ninth, third}
