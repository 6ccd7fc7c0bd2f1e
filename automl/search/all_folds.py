"""Train candidates on every fold, one candidate after the other."""

from __future__ import annotations

import math
from collections.abc import Sequence

from automl.candidate import Candidate
from automl.lab.policy import Action, Capacity, Stop, Wait
from automl.search.costs import expected_seconds
from automl.search.fold_jobs import fold_job, next_split
from automl.study import Study


class AllFoldsPolicy:
    """A policy that trains every fold of its candidates, one candidate after the other.

    No candidate is dropped. A fit that can't be expected to end in time is not begun.

    Parameters
    ----------
    candidates : sequence of Candidate
        The most promising first.
    splits : sequence of (int, int), optional
        Only these, instead of all folds.
    seconds : float, optional
        The longest that a fit may take. One that takes longer keeps the rounds that it has; of a
        family that can't stop, it is killed.
    """

    def __init__(
        self,
        candidates: Sequence[Candidate],
        splits: Sequence[tuple[int, int]] | None = None,
        seconds: float = math.inf,
    ) -> None:
        self._candidates = candidates
        self._splits = splits
        self._seconds = seconds

    def next(self, study: Study, capacity: Capacity) -> Action:
        """Return the next fold."""
        for candidate in self._candidates:
            split = self._next_split(study, candidate)
            if split is None:
                continue
            expected = expected_seconds(study, candidate)
            if min(expected, self._seconds) > capacity.seconds:
                continue
            seconds = min(capacity.seconds, self._seconds)
            return fold_job(
                study,
                candidate,
                split,
                capacity,
                seconds,
            )
        return Wait() if study.running else Stop()

    def _next_split(self, study: Study, candidate: Candidate) -> tuple[int, int] | None:
        """Return the first split on which a candidate was not trained; None once it has failed."""
        trial = study.trials.get(candidate.id)
        if trial is not None and trial.failure:
            return None
        splits = study.plan.splits if self._splits is None else self._splits
        return next_split(study, candidate, splits)
