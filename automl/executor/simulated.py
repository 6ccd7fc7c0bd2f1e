"""SimulatedExecutor: recorded outcomes on a fake clock, so that hours pass in seconds."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from automl.candidate import Job, Outcome
from automl.executor.work import JobLimits, Probe, WorkItem, WorkResult
from automl.resources import Resources


class SimulatedExecutor:
    """Looks outcomes up in a record; its clock jumps to the next end.

    Parameters
    ----------
    outcome_of : callable
        Return the outcome of a job; its `seconds` are what the job takes on the fake clock.
    workers : int
    """

    def __init__(
        self,
        outcome_of: Callable[[Job], Outcome],
        workers: int = 2,
    ) -> None:
        self.now = 0.0
        self._outcome_of = outcome_of
        self._workers = workers
        self._running: list[tuple[float, WorkResult]] = []

    def clock(self) -> float:
        """Return the fake time in seconds."""
        return self.now

    def workers(self, each: Resources) -> int:
        """Return the number of workers, whatever each uses."""
        return self._workers

    def free(self, each: Resources) -> int:
        """Return the number of free workers."""
        return self._workers - len(self._running)

    def warm_up(
        self,
        seconds: float,
        workers: int,
        at_least: int = 1,
    ) -> Sequence[WorkResult]:
        """Return at once."""
        return []

    def submit(
        self,
        item: WorkItem,
        limits: JobLimits,
    ) -> None:
        """Look up how an item ends, and when."""
        outcome = self._outcome(item)
        ends = self.now + outcome.seconds
        if ends > limits.kill_at:
            ends = limits.kill_at
            seconds = ends - self.now
            outcome = replace(outcome, status="timeout", loss=None, seconds=seconds)
        self._running.append((ends, WorkResult(item, outcome)))

    def _outcome(self, item: WorkItem) -> Outcome:
        if isinstance(item, Job):
            return self._outcome_of(item)
        if isinstance(item, Probe):
            return Outcome("failed", reason="no record holds probes")
        return Outcome("done")

    def results(self, seconds: float) -> Sequence[WorkResult]:
        """Turn the clock to the first end, at most by these seconds."""
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

    def fetch(
        self,
        result: WorkResult,
        into: Path,
    ) -> None:
        """Do nothing: a record holds no files."""

    def cancel(self, reason: str) -> Sequence[WorkResult]:
        """Return all running items as cancelled."""
        cancelled = Outcome("cancelled", reason=reason)
        results = [WorkResult(result.item, cancelled) for _, result in self._running]
        self._running.clear()
        return results

    def close(self) -> None:
        """Do nothing."""
