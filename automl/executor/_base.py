"""Executor: the contract of everything that does work items."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from automl.executor.work import JobLimits, WorkItem, WorkResult
from automl.resources import Resources


class Executor(Protocol):
    """Does work items, one or several at a time.

    A new engine implements this protocol; `tests/executor/test_contract.py` runs every engine
    through it. Times are readings of the clock of the run's budget.
    """

    def workers(self, each: Resources) -> int:
        """Return how many items that use these resources can run at the same time."""
        ...

    def free(self, each: Resources) -> int:
        """Return how many further items that use these resources could start now."""
        ...

    def warm_up(
        self,
        seconds: float,
        workers: int,
        at_least: int = 1,
    ) -> Sequence[WorkResult]:
        """Start workers, and wait until some are ready.

        Items with a time limit start when workers are ready. Returns early, with the results of
        items that ended meanwhile; empty once `at_least` workers are ready or time is over.

        Parameters
        ----------
        seconds : float
            The longest wait.
        workers : int
            How many to start.
        at_least : int
            How many to wait for.
        """
        ...

    def submit(self, item: WorkItem, limits: JobLimits) -> None:
        """Start an item on a free worker."""
        ...

    def results(self, seconds: float) -> Sequence[WorkResult]:
        """Return what has ended, after waiting for at most these seconds."""
        ...

    def fetch(self, result: WorkResult, into: Path) -> None:
        """Move the files that a successful job wrote into a folder on this machine."""
        ...

    def cancel(self, reason: str) -> Sequence[WorkResult]:
        """End all items under way, and return them as cancelled."""
        ...

    def close(self) -> None:
        """End all workers."""
        ...
