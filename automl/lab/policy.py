"""What a policy is asked and may answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from automl.trial import Job, Study, Trial


@dataclass(frozen=True)
class Capacity:
    """What there is: seconds of the budget (infinite under `--trials`), workers (at least one is free), and threads for each fit."""

    seconds: float
    workers: int
    threads: int


@dataclass(frozen=True)
class Drop:
    """Decide a trial early: its other folds are not worth training."""

    trial: Trial
    reason: str


@dataclass(frozen=True)
class Wait:
    """Nothing to start until something that is running has ended."""


@dataclass(frozen=True)
class Stop:
    """Nothing more to start at all."""


Action = Job | Drop | Wait | Stop


class Policy(Protocol):
    """Which fold of which candidate is next. No clock, no files, no randomness but from the study's seed."""

    def next(self, study: Study, capacity: Capacity) -> Action:
        """The next move, given what is known and what is free."""
        ...
