"""A Lab that trains nothing: outcomes come from a record and the clock is turned by hand, so that hours of search pass in seconds."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from automl.budget import Budget
from automl.lab.lab import Lab
from automl.lab.work import Probe, Report, Work
from automl.store import Store
from automl.trial import Job, Outcome


class Recorded:
    """A workbench of recorded outcomes, with a clock that jumps to the next end.

    Parameters
    ----------
    record : callable
        Gives the outcome of a job.
    """

    def __init__(self, record: Callable[[Job], Outcome], workers: int = 2) -> None:
        self.now = 0.0
        self._record = record
        self.workers = workers
        self._running: list[tuple[float, Report]] = []

    def clock(self) -> float:
        """The fake time in seconds."""
        return self.now

    def warm(self, seconds: float, workers: int = 1) -> list[Report]:
        """Nothing is waited for."""
        return []

    def idle(self) -> int:
        """Free workers."""
        return self.workers - len(self._running)

    def start(self, work: Work, deadline: float, end: float) -> None:
        """Look up how it ends, and when."""
        outcome = self._record(work) if isinstance(work, Job) else Outcome("done")
        if isinstance(work, Probe):
            outcome = Outcome("failed", reason="no record holds probes")
        ends = self.now + outcome.seconds
        if ends > end:
            ends, outcome = end, replace(outcome, status="timeout", loss=None, seconds=end - self.now)
        self._running.append((ends, Report(work, outcome)))

    def start_first(self, work: Work, deadline: float, end: float) -> None:
        """Like any other work."""
        self.start(work, deadline, end)

    def wait(self, seconds: float) -> list[Report]:
        """Turn the clock to the first end."""
        if not self._running:
            self.now += seconds if math.isfinite(seconds) else 0.0
            return []
        self._running.sort(key=lambda pair: pair[0])
        ends, report = self._running[0]
        if ends > self.now + seconds:
            self.now += seconds
            return []
        self.now = max(self.now, ends)
        del self._running[0]
        return [report]

    def stop(self, reason: str) -> list[Report]:
        """Cut all that is running."""
        reports = [Report(report.work, Outcome("cut", reason=reason)) for _, report in self._running]
        self._running.clear()
        return reports

    def close(self) -> None:
        """Nothing to end."""


class ReplayLab(Lab):
    """A Lab over recorded outcomes, for testing and comparing policies.

    Parameters
    ----------
    store : Store
    record : callable
        Gives the outcome of a job; its `seconds` are what the job takes on the fake clock.
    seconds : float
        The budget.
    workers : int
    """

    def __init__(self, store: Store, record: Callable[[Job], Outcome], seconds: float = math.inf, workers: int = 2) -> None:
        made = Recorded(record, workers)
        super().__init__(store, made, Budget(seconds, made.clock))
        self.clock = made.clock
