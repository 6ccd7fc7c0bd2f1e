"""A Lab that trains nothing: outcomes come from a record and the clock is turned by hand, so that hours of search pass in seconds."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from automl.budget import Budget
from automl.executor.work import Probe, WorkItem, WorkResult
from automl.lab.lab import Lab
from automl.store import Store
from automl.trial import Job, Outcome


class SimulatedExecutor:
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
        self._running: list[tuple[float, WorkResult]] = []

    def clock(self) -> float:
        """The fake time in seconds."""
        return self.now

    def warm(self, seconds: float, workers: int = 1) -> list[WorkResult]:
        """Nothing is waited for."""
        return []

    def idle(self) -> int:
        """Free workers."""
        return self.workers - len(self._running)

    def start(self, item: WorkItem, deadline: float, end: float) -> None:
        """Look up how it ends, and when."""
        outcome = self._record(item) if isinstance(item, Job) else Outcome("done")
        if isinstance(item, Probe):
            outcome = Outcome("failed", reason="no record holds probes")
        ends = self.now + outcome.seconds
        if ends > end:
            ends, outcome = (
                end,
                replace(outcome, status="timeout", loss=None, seconds=end - self.now),
            )
        self._running.append((ends, WorkResult(item, outcome)))

    def start_first(self, item: WorkItem, deadline: float, end: float) -> None:
        """Like any other work."""
        self.start(item, deadline, end)

    def wait(self, seconds: float) -> list[WorkResult]:
        """Turn the clock to the first end."""
        if not self._running:
            self.now += seconds if math.isfinite(seconds) else 0.0
            return []
        self._running.sort(key=lambda pair: pair[0])
        ends, result = self._running[0]
        if ends > self.now + seconds:
            self.now += seconds
            return []
        self.now = max(self.now, ends)
        del self._running[0]
        return [result]

    def stop(self, reason: str) -> list[WorkResult]:
        """Cut all that is running."""
        results = [
            WorkResult(result.item, Outcome("cut", reason=reason)) for _, result in self._running
        ]
        self._running.clear()
        return results

    def close(self) -> None:
        """Nothing to end."""


class SimulatedLab(Lab):
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

    def __init__(
        self,
        store: Store,
        record: Callable[[Job], Outcome],
        seconds: float = math.inf,
        workers: int = 2,
    ) -> None:
        made = SimulatedExecutor(record, workers)
        super().__init__(store, made, Budget(seconds, made.clock))
        self.clock = made.clock
