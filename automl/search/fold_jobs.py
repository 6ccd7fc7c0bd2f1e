"""The fit of a candidate on one split, and which split comes next."""

from __future__ import annotations

import math
from collections.abc import Sequence

from automl.candidate import Candidate, Job
from automl.lab.policy import Capacity
from automl.search.costs import seed_for
from automl.study import Study


def fold_job(
    study: Study,
    candidate: Candidate,
    split: tuple[int, int],
    capacity: Capacity,
    seconds: float = math.inf,
) -> Job:
    """Return the job that fits a candidate on all training rows of a split.

    Parameters
    ----------
    seconds : float
        Time limit of the fit.
    """
    return Job(
        candidate,
        study.data,
        *split,
        seed=seed_for(study.seed, candidate, *split),
        rounds=candidate.rounds,
        resources=capacity.resources,
        seconds=seconds,
    )


def next_split(
    study: Study,
    candidate: Candidate,
    splits: Sequence[tuple[int, int]],
) -> tuple[int, int] | None:
    """Return the first of some splits on which a candidate is neither trained nor in training."""
    trial = study.trials.get(candidate.id)
    started = study.started_splits(trial) if trial else set()
    for split in splits:
        if split not in started:
            return split
    return None
