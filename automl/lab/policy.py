"""Policy: the contract of everything that chooses the next job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from automl.candidate import Job
from automl.resources import Resources
from automl.study import Study
from automl.trial import Trial


@dataclass(frozen=True)
class Capacity:
    """Time and workers that a policy may count on.

    Parameters
    ----------
    seconds : float
        Of the budget; infinite without a clock.
    workers : int
        How many jobs can run at the same time; at least one worker is free.
    resources : Resources
        Of each fit.
    """

    seconds: float
    workers: int
    resources: Resources


@dataclass(frozen=True)
class Drop:
    """Decide a trial early: its other folds are not worth training."""

    trial: Trial
    reason: str


@dataclass(frozen=True)
class Wait:
    """Start nothing until something that is running has ended."""


@dataclass(frozen=True)
class Stop:
    """Start nothing more at all."""


Action = Job | Drop | Wait | Stop


class Policy(Protocol):
    """Chooses which fold of which candidate is next.

    It reads no clock and no files, and its randomness comes from the study's seed alone.
    """

    def next(self, study: Study, capacity: Capacity) -> Action:
        """Return the next action, given what is known and what is free."""
        ...
