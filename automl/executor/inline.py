"""InlineExecutor: one worker in the calling process, for tests and tiny tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from automl.budget import Budget
from automl.executor.work import JobLimits, WorkItem, WorkResult
from automl.executor.worker import Worker, move_artifacts
from automl.resources import Resources


class InlineExecutor:
    """Does each item at once in this process.

    Nothing can be killed: a fit ends at its deadline by itself. Memory is not limited, and there
    is one worker whatever the number of cores.

    Parameters
    ----------
    work : Path
        The run's `work/` folder.
    """

    def __init__(self, work: Path) -> None:
        self._work = work
        self._worker = Worker(work)
        self._ended: list[WorkResult] = []

    def workers(self, each: Resources) -> int:
        """Return one."""
        return 1

    def free(self, each: Resources) -> int:
        """Return one, unless the last result has not been fetched."""
        return 0 if self._ended else 1

    def warm_up(
        self,
        seconds: float,
        workers: int,
        at_least: int = 1,
    ) -> Sequence[WorkResult]:
        """Return at once: this process is ready."""
        return self.results(0)

    def submit(
        self,
        item: WorkItem,
        limits: JobLimits,
    ) -> None:
        """Do the item."""
        self._ended.append(self._worker.do(item, Budget(deadline=limits.deadline)))

    def results(self, seconds: float) -> Sequence[WorkResult]:
        """Return what was done."""
        ended, self._ended = self._ended, []
        return ended

    def fetch(
        self,
        result: WorkResult,
        into: Path,
    ) -> None:
        """Move the files of a job."""
        move_artifacts(self._work, result, into)

    def cancel(self, reason: str) -> Sequence[WorkResult]:
        """Return what was done: nothing is ever under way."""
        return self.results(0)

    def close(self) -> None:
        """Do nothing."""
