"""Trial: a candidate with the outcomes of its fits so far."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from automl.candidate import Candidate, Job, Outcome, Split

RungSize = tuple[int, int | None]  # rows and rounds; without rounds: until it stops
Decision = Literal["", "done", "dropped", "failed"]

MIN_REFIT_ROUNDS_SHARE = 0.7  # of its planned rounds, below which a stopped refit doesn't count


@dataclass(frozen=True)
class Trial:
    """A candidate with its outcomes so far, by the key of the job.

    Parameters
    ----------
    candidate : Candidate
    jobs : mapping of str to Job
    outcomes : mapping of str to Outcome
    decided : {"", "done", "dropped", "failed"}
        Empty while its folds are being trained.
    reason : str
        Why it was dropped or failed.
    """

    candidate: Candidate
    jobs: Mapping[str, Job] = field(default_factory=dict)
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    decided: Decision = ""
    reason: str = ""

    @property
    def id(self) -> str:
        """The candidate's id."""
        return self.candidate.id

    @property
    def family(self) -> str:
        """Name of the candidate's family."""
        return self.candidate.family

    @cached_property
    def full_outcomes(self) -> Mapping[str, Outcome]:
        """Outcomes of fits on all training rows, by the key of the job."""
        return {
            key: outcome for key, outcome in self.outcomes.items() if self.jobs[key].rows is None
        }

    @cached_property
    def losses(self) -> Mapping[Split, float]:
        """Loss by (repeat, fold) of the successful fits on all training rows."""
        found: dict[Split, float] = {}
        for key, outcome in self.full_outcomes.items():
            if outcome.is_done and outcome.loss is not None:
                found[self.jobs[key].split] = outcome.loss
        return found

    @cached_property
    def loss(self) -> float:
        """Mean loss over the folds seen so far; infinite without one."""
        if not self.losses:
            return math.inf
        return sum(self.losses.values()) / len(self.losses)

    @property
    def is_cut_short(self) -> bool:
        """Whether deadlines ended all its successful fits on all rows."""
        done = [outcome.stopped for outcome in self.full_outcomes.values() if outcome.is_done]
        return bool(done) and all(done)

    @cached_property
    def low_fidelity(self) -> Outcome | None:
        """The last successful outcome of a fit on part of the training rows, if any."""
        done = [
            outcome
            for key, outcome in self.outcomes.items()
            if outcome.is_done and key not in self.full_outcomes
        ]
        return done[-1] if done else None

    @cached_property
    def rung_losses(self) -> Mapping[RungSize, Mapping[Split, float]]:
        """Loss by (repeat, fold) of fits on rungs of little, by (rows, rounds) as they came."""
        found: dict[RungSize, dict[Split, float]] = {}
        for key, outcome in self.outcomes.items():
            job = self.jobs[key]
            rows = job.rows
            loss = outcome.loss
            if job.fold is None:
                continue
            if rows is None or loss is None:
                continue
            size = rows, job.rounds
            losses = found.setdefault(size, {})
            losses[job.split] = loss
        return found

    @cached_property
    def seconds(self) -> float:
        """Seconds spent on its fits."""
        return sum(outcome.seconds for outcome in self.outcomes.values())

    @cached_property
    def refits(self) -> tuple[Split, ...]:
        """Where it was trained on all rows, once for each repeat.

        A refit that its deadline stopped early does not count.
        """
        refits = []
        for key, outcome in self.full_outcomes.items():
            job = self.jobs[key]
            if job.fold is None and outcome.is_done and _has_enough_rounds(job, outcome):
                refits.append(job.split)
        return tuple(sorted(refits))

    def without_refits(self) -> Trial:
        """Return the trial as it was before its refits."""
        of_folds = {
            key: outcome
            for key, outcome in self.outcomes.items()
            if self.jobs[key].fold is not None
        }
        return replace(self, outcomes=of_folds)

    @cached_property
    def refit_outcomes(self) -> list[Outcome]:
        """The outcomes of the refits."""
        outcomes = []
        for key, outcome in self.full_outcomes.items():
            if self.jobs[key].split in self.refits:
                outcomes.append(outcome)
        return outcomes

    @cached_property
    def fold_outcomes(self) -> list[Outcome]:
        """The outcomes of the successful fits on all training rows of a fold."""
        outcomes = []
        for key, outcome in self.full_outcomes.items():
            if outcome.is_done and self.jobs[key].fold is not None:
                outcomes.append(outcome)
        return outcomes

    @property
    def fold_rounds(self) -> list[int]:
        """The rounds of these fits; empty for a family that has none."""
        return [outcome.rounds for outcome in self.fold_outcomes if outcome.rounds]

    @property
    def failure(self) -> Outcome | None:
        """The first unsuccessful outcome of a kept fit; a cancelled fit is not a failure."""
        for job, outcome in self._kept_fits():
            if outcome.status not in ("done", "cancelled"):
                return outcome
        return None

    @cached_property
    def splits(self) -> tuple[tuple[int, int], ...]:
        """The folds of which a model is kept, first repeat first."""
        found = []
        for job, outcome in self._kept_fits():
            if outcome.is_done and job.fold is not None:
                found.append((job.repeat, job.fold))
        return tuple(sorted(found))

    def key_at(
        self,
        repeat: int,
        fold: int | None,
    ) -> str | None:
        """Return the key of the successful kept fit of a split, if there is one."""
        for job, outcome in self._kept_fits():
            if outcome.is_done and job.split == (repeat, fold):
                return job.key
        return None

    def _kept_fits(self) -> Iterator[tuple[Job, Outcome]]:
        """Yield the ended jobs whose models may answer, with their outcomes."""
        for key, outcome in self.outcomes.items():
            if self.jobs[key].is_kept:
                yield self.jobs[key], outcome


def _has_enough_rounds(
    job: Job,
    outcome: Outcome,
) -> bool:
    """Return whether a fit was not stopped, or not before most of its rounds."""
    planned = job.rounds or math.inf
    return not outcome.stopped or (outcome.rounds or 0) >= MIN_REFIT_ROUNDS_SHARE * planned
